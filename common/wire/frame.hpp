// Frames: what a session is made of. Specification: docs/spec/frames.md.
//
//   u8 type, u24 length, body
//
// Hello, Welcome, Ack, Window and Bye are protobuf messages (common/proto/wire.proto); an Epoch
// frame carries a signed epoch, a Schema frame a canonical schema, a Block frame a sealed block, a
// Want frame the hash of a model, a Model frame that model, a SealingKey frame a certificate, a
// Renew frame a request for a certificate and a Renewed frame its chain, all unwrapped. Enrol and
// Enrolled are messages: docs/spec/enrolment.md.
#pragma once

#include <cstdint>

#include "common/base/bytes.hpp"
#include "common/base/result.hpp"
#include "wire.pb.h"

namespace longhaul {

enum class FrameType : std::uint8_t {
    hello = 0x01,
    epoch = 0x02,
    schema = 0x03,
    block = 0x04,
    result = 0x05,  // reserved
    bye = 0x06,
    want = 0x07,
    renew = 0x08,
    enrol = 0x09,  // of the enrolment listener alone, and so is enrolled
    welcome = 0x81,
    ack = 0x82,
    window = 0x83,
    settings = 0x84,  // reserved
    command = 0x85,   // reserved
    redirect = 0x86,  // reserved
    collector_bye = 0x87,
    model = 0x88,
    renewed = 0x89,
    sealing_key = 0x8a,
    enrolled = 0x8b,
};
const char* name_of(FrameType type);

inline constexpr std::uint32_t protocol_version = 1;
inline constexpr std::size_t frame_header_bytes = 4;
// The longest body of a type, from common/block/limits.hpp; 0 for types that this build does not
// read.
std::size_t frame_body_bytes_max(FrameType type);
inline constexpr std::size_t frame_bytes_max = frame_header_bytes + 20 + 16384;

struct Frame {
    FrameType type;
    Bytes body;
};

void write_frame(FrameType type, Bytes body, ByteWriter& out);

// Cuts frames out of a stream of bytes. One that has come whole is read where it lies; `buffer` is
// for one that comes in pieces, and frame_bytes_max is enough for any.
class FrameReader {
 public:
    explicit FrameReader(MutableBytes buffer) : buffer_{buffer} {}

    // The next frame, which it takes from the front of `in`. Its body points into `in` or into the
    // buffer, and is good until the next call. Error not_found: more has to come; what is left in
    // `in` then has no room in the buffer. unsupported (type), too_large: where the next frame
    // begins nobody can say.
    Result<Frame> next(Bytes& in);
    void clear() { kept_ = 0; }
    bool empty() const { return kept_ == 0; }

 private:
    MutableBytes buffer_;
    std::size_t kept_ = 0;  // of a frame that is not whole yet
};

// Messages to and from frame bodies; parse refuses what exceeds the maxima of wire.options.
Status write_message(const longhaul_Hello& message, ByteWriter& out);  // a whole frame
Status write_message(const longhaul_Welcome& message, ByteWriter& out);
Status write_message(const longhaul_Ack& message, ByteWriter& out);
Status write_message(const longhaul_Window& message, ByteWriter& out);
Status write_message(const longhaul_Enrol& message, ByteWriter& out);
Status write_message(const longhaul_Enrolled& message, ByteWriter& out);
Status write_bye(FrameType direction, const longhaul_Bye& message, ByteWriter& out);

Status parse_message(Bytes body, longhaul_Hello& message);
Status parse_message(Bytes body, longhaul_Welcome& message);
Status parse_message(Bytes body, longhaul_Ack& message);
Status parse_message(Bytes body, longhaul_Window& message);
Status parse_message(Bytes body, longhaul_Bye& message);
Status parse_message(Bytes body, longhaul_Enrol& message);
Status parse_message(Bytes body, longhaul_Enrolled& message);

}  // namespace longhaul
