#include "common/wire/frame.hpp"

#include <algorithm>

#include "common/block/block.hpp"
#include "common/block/epoch.hpp"
#include "common/block/model.hpp"

namespace longhaul {
namespace {

// Of the frame that begins so, header and body. Error not_found: the header is not whole.
Result<std::size_t> frame_bytes(Bytes begin) {
    if (begin.size() < frame_header_bytes) return ErrorCode::not_found;
    ByteReader in{begin};
    const std::size_t length_max = frame_body_bytes_max(static_cast<FrameType>(in.u8()));
    const std::size_t length = in.u24();
    if (length_max == 0) return Error{ErrorCode::unsupported, "frame type"};
    if (length > length_max) return Error{ErrorCode::too_large, "frame"};
    return frame_header_bytes + length;
}

bool is_wrong(const Result<std::size_t>& bytes) {
    return !bytes.ok() && bytes.error() != ErrorCode::not_found;
}

Frame frame_of(Bytes whole) {
    return {static_cast<FrameType>(whole[0]), whole.subspan(frame_header_bytes)};
}

Bytes take(Bytes& in, std::size_t count) {
    const Bytes taken = in.first(count);
    in = in.subspan(count);
    return taken;
}

}  // namespace

const char* name_of(FrameType type) {
    switch (type) {
        case FrameType::hello:
            return "Hello";
        case FrameType::epoch:
            return "Epoch";
        case FrameType::schema:
            return "Schema";
        case FrameType::block:
            return "Block";
        case FrameType::result:
            return "Result";
        case FrameType::bye:
            return "Bye";
        case FrameType::want:
            return "Want";
        case FrameType::welcome:
            return "Welcome";
        case FrameType::ack:
            return "Ack";
        case FrameType::window:
            return "Window";
        case FrameType::settings:
            return "Settings";
        case FrameType::command:
            return "Command";
        case FrameType::redirect:
            return "Redirect";
        case FrameType::collector_bye:
            return "Bye";
        case FrameType::model:
            return "Model";
        case FrameType::sealing_key:
            return "SealingKey";
        case FrameType::renew:
            return "Renew";
        case FrameType::enrol:
            return "Enrol";
        case FrameType::renewed:
            return "Renewed";
        case FrameType::enrolled:
            return "Enrolled";
    }
    return "unknown";
}

std::size_t frame_body_bytes_max(FrameType type) {
    switch (type) {
        case FrameType::hello:
            return longhaul_Hello_size;
        case FrameType::epoch:
            return signed_epoch_bytes_max;
        case FrameType::schema:
            return limits::schema_bytes_max;
        case FrameType::block:
            return block_bytes_max;
        case FrameType::want:
            return sizeof(ModelHash);
        case FrameType::welcome:
            return longhaul_Welcome_size;
        case FrameType::ack:
            return longhaul_Ack_size;
        case FrameType::window:
            return longhaul_Window_size;
        case FrameType::bye:
        case FrameType::collector_bye:
            return longhaul_Bye_size;
        case FrameType::model:
            return limits::model_bytes_max;
        case FrameType::sealing_key:
            return limits::sealing_certificate_bytes_max;
        case FrameType::renew:
            return limits::certificate_request_bytes_max;
        case FrameType::renewed:
            return limits::certificate_chain_bytes_max;
        case FrameType::enrol:
            return longhaul_Enrol_size;
        case FrameType::enrolled:
            return longhaul_Enrolled_size;
        default:
            return 0;
    }
}

void write_frame(FrameType type, Bytes body, ByteWriter& out) {
    out.u8(static_cast<std::uint8_t>(type));
    out.u24(static_cast<std::uint32_t>(body.size()));
    out.bytes(body);
}

Result<Frame> FrameReader::next(Bytes& in) {
    if (kept_ == 0) {
        const Result<std::size_t> bytes = frame_bytes(in);
        if (bytes.ok() && bytes.value() <= in.size()) return frame_of(take(in, bytes.value()));
        if (is_wrong(bytes)) return bytes.error();
    }
    for (;;) {
        const Bytes kept = Bytes{buffer_}.first(kept_);
        const Result<std::size_t> bytes = frame_bytes(kept);
        if (is_wrong(bytes)) return bytes.error();
        const std::size_t wanted = bytes.ok() ? bytes.value() : frame_header_bytes;
        if (bytes.ok() && kept_ == wanted) {
            kept_ = 0;
            return frame_of(kept);
        }
        const Bytes part = take(in, std::min(std::min(wanted, buffer_.size()) - kept_, in.size()));
        if (part.empty()) return ErrorCode::not_found;
        std::memcpy(buffer_.data() + kept_, part.data(), part.size());
        kept_ += part.size();
    }
}

}  // namespace longhaul
