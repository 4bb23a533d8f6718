// Attacks the cutting of frames out of a stream of bytes. The first byte sets how the bytes arrive;
// the frames must be the same as when all arrive at once, and written again they are the same
// bytes.
#include <algorithm>
#include <vector>

#include "common/wire/frame.hpp"

using namespace longhaul;

namespace {

struct Cut {
    std::vector<std::byte> written;  // all frames, written again
    ErrorCode end = ErrorCode::not_found;
};

Cut cut(Bytes bytes, std::size_t step) {
    std::vector<std::byte> buffer(frame_bytes_max);
    std::vector<std::byte> room(frame_bytes_max);
    FrameReader reader{buffer};
    Cut result;
    while (!bytes.empty()) {
        Bytes in = bytes.first(std::min(step, bytes.size()));
        bytes = bytes.subspan(in.size());
        for (;;) {
            const Result<Frame> frame = reader.next(in);
            if (!frame.ok()) {
                result.end = frame.error().code;
                // Else a frame that is allowed would never fit.
                LH_CHECK(in.empty() || result.end != ErrorCode::not_found);
                break;
            }
            ByteWriter out{room};
            write_frame(frame.value().type, frame.value().body, out);
            LH_CHECK(out.ok());
            result.written.insert(result.written.end(), out.written().begin(), out.written().end());
        }
        if (result.end != ErrorCode::not_found) break;
    }
    return result;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes bytes = std::as_bytes(std::span{data + 1, size - 1});
    const Cut whole = cut(bytes, frame_bytes_max);
    LH_CHECK(whole.written.size() <= bytes.size());
    LH_CHECK(equal(whole.written, bytes.first(whole.written.size())));

    const Cut pieces = cut(bytes, std::size_t{1} + data[0]);
    LH_CHECK(pieces.end == whole.end);
    LH_CHECK(pieces.written == whole.written);
    return 0;
}
