// An exported spool, frame by frame. Specification: docs/spec/frames.md.
#pragma once

#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "common/wire/frame.hpp"

namespace longhaul::tools {

class SpoolFile {
 public:
    static Result<std::unique_ptr<SpoolFile>, Message> open(const std::string& path);

    // The next frame, good until the next call. not_found: the file ends here; truncated: in the
    // middle of a frame; any other: what stands here is no frame, and where the next one begins
    // nobody can say.
    Result<Frame> next();
    // Where the frame that was read last begins, or what is none.
    std::uint64_t at() const { return at_; }

 private:
    explicit SpoolFile(std::ifstream file)
        : file_{std::move(file)}, room_(frame_bytes_max), frames_{room_}, piece_(16 * 1024) {}

    std::ifstream file_;
    std::vector<std::byte> room_;
    FrameReader frames_;
    std::vector<std::byte> piece_;
    Bytes rest_;  // of the piece, not yet taken by frames_
    std::uint64_t at_ = 0;
    std::uint64_t next_at_ = 0;
};

}  // namespace longhaul::tools
