#include "common/wire/frame.hpp"

#include <algorithm>

#include "common/block/block.hpp"
#include "common/block/epoch.hpp"
#include "common/block/model.hpp"

namespace longhaul {

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

std::size_t FrameReader::feed(Bytes bytes) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    const std::size_t taken = std::min(bytes.size(), buffer_.size() - end_);
    if (taken != 0) std::memcpy(buffer_.data() + end_, bytes.data(), taken);
    end_ += taken;
    return taken;
}

Result<Frame> FrameReader::next() {
    const Bytes unread = Bytes{buffer_}.subspan(begin_, end_ - begin_);
    if (unread.size() < frame_header_bytes) return ErrorCode::not_found;
    ByteReader in{unread};
    const auto type = static_cast<FrameType>(in.u8());
    const std::size_t length = in.u24();
    const std::size_t length_max = frame_body_bytes_max(type);
    if (length_max == 0) return Error{ErrorCode::unsupported, "frame type"};
    if (length > length_max) return Error{ErrorCode::too_large, "frame"};
    if (in.remaining() < length) return ErrorCode::not_found;
    begin_ += frame_header_bytes + length;
    return Frame{type, in.bytes(length)};
}

void FrameReader::clear() { begin_ = end_ = 0; }

}  // namespace longhaul
