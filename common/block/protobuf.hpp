// nanopb between our readers and writers. Fields have their maxima in the .options files, so
// nothing is allocated and a message that exceeds them is refused.
#pragma once

#include <pb_decode.h>
#include <pb_encode.h>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"

namespace longhaul {

inline Result<std::size_t> protobuf_size(const pb_msgdesc_t* fields, const void* message) {
    std::size_t size = 0;
    if (!pb_get_encoded_size(&size, fields, message))
        return Error{ErrorCode::malformed, "protobuf"};
    return size;
}

inline Status encode_protobuf(const pb_msgdesc_t* fields, const void* message, ByteWriter& out) {
    pb_ostream_t stream{};
    stream.callback = [](pb_ostream_t* self, const pb_byte_t* bytes, std::size_t count) {
        auto& writer = *static_cast<ByteWriter*>(self->state);
        writer.bytes(std::as_bytes(std::span{bytes, count}));
        return writer.ok();
    };
    stream.state = &out;
    stream.max_size = SIZE_MAX;
    return pb_encode(&stream, fields, message) ? Status{}
                                               : Error{ErrorCode::full, "no room for a message"};
}

inline Status decode_protobuf(Bytes bytes, const pb_msgdesc_t* fields, void* message) {
    pb_istream_t stream =
        pb_istream_from_buffer(reinterpret_cast<const pb_byte_t*>(bytes.data()), bytes.size());
    return pb_decode(&stream, fields, message) ? Status{} : Error{ErrorCode::malformed, "protobuf"};
}

// The same of the next `size` bytes of a source.
inline Status decode_protobuf(ByteSource& source, std::size_t size, const pb_msgdesc_t* fields,
                              void* message) {
    pb_istream_t stream{};
    stream.callback = [](pb_istream_t* self, pb_byte_t* room, std::size_t count) {
        return static_cast<ByteSource*>(self->state)
            ->read(std::as_writable_bytes(std::span{room, count}));
    };
    stream.state = &source;
    stream.bytes_left = size;
    return pb_decode(&stream, fields, message) ? Status{} : Error{ErrorCode::malformed, "protobuf"};
}

}  // namespace longhaul
