// Messages of a session inside frames, by nanopb.
#include "common/block/protobuf.hpp"
#include "common/wire/frame.hpp"

namespace longhaul {
namespace {

Status write(FrameType type, const pb_msgdesc_t* fields, const void* message, ByteWriter& out) {
    LH_TRY_ASSIGN(const std::size_t size, protobuf_size(fields, message));
    out.u8(static_cast<std::uint8_t>(type));
    out.u24(static_cast<std::uint32_t>(size));
    return encode_protobuf(fields, message, out);
}

}  // namespace

Status write_message(const longhaul_Hello& message, ByteWriter& out) {
    return write(FrameType::hello, longhaul_Hello_fields, &message, out);
}
Status write_message(const longhaul_Welcome& message, ByteWriter& out) {
    return write(FrameType::welcome, longhaul_Welcome_fields, &message, out);
}
Status write_message(const longhaul_Ack& message, ByteWriter& out) {
    return write(FrameType::ack, longhaul_Ack_fields, &message, out);
}
Status write_message(const longhaul_Window& message, ByteWriter& out) {
    return write(FrameType::window, longhaul_Window_fields, &message, out);
}
Status write_message(const longhaul_Enrol& message, ByteWriter& out) {
    return write(FrameType::enrol, longhaul_Enrol_fields, &message, out);
}
Status write_message(const longhaul_Enrolled& message, ByteWriter& out) {
    return write(FrameType::enrolled, longhaul_Enrolled_fields, &message, out);
}
Status write_bye(FrameType direction, const longhaul_Bye& message, ByteWriter& out) {
    LH_CHECK(direction == FrameType::bye || direction == FrameType::collector_bye);
    return write(direction, longhaul_Bye_fields, &message, out);
}

Status parse_message(Bytes body, longhaul_Hello& message) {
    message = longhaul_Hello_init_zero;
    return decode_protobuf(body, longhaul_Hello_fields, &message);
}
Status parse_message(Bytes body, longhaul_Welcome& message) {
    message = longhaul_Welcome_init_zero;
    return decode_protobuf(body, longhaul_Welcome_fields, &message);
}
Status parse_message(Bytes body, longhaul_Ack& message) {
    message = longhaul_Ack_init_zero;
    return decode_protobuf(body, longhaul_Ack_fields, &message);
}
Status parse_message(Bytes body, longhaul_Window& message) {
    message = longhaul_Window_init_zero;
    return decode_protobuf(body, longhaul_Window_fields, &message);
}
Status parse_message(Bytes body, longhaul_Bye& message) {
    message = longhaul_Bye_init_zero;
    return decode_protobuf(body, longhaul_Bye_fields, &message);
}
Status parse_message(Bytes body, longhaul_Enrol& message) {
    message = longhaul_Enrol_init_zero;
    return decode_protobuf(body, longhaul_Enrol_fields, &message);
}
Status parse_message(Bytes body, longhaul_Enrolled& message) {
    message = longhaul_Enrolled_init_zero;
    return decode_protobuf(body, longhaul_Enrolled_fields, &message);
}

}  // namespace longhaul
