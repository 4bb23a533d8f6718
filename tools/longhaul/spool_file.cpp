#include "tools/longhaul/spool_file.hpp"

namespace longhaul::tools {

Result<std::unique_ptr<SpoolFile>, Message> SpoolFile::open(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    if (!file) return Message{path + ": cannot be opened"};
    return std::unique_ptr<SpoolFile>{new SpoolFile{std::move(file)}};
}

Result<Frame> SpoolFile::next() {
    at_ = next_at_;
    for (;;) {
        const auto frame = frames_.next();
        if (frame.ok()) next_at_ = at_ + frame_header_bytes + frame.value().body.size();
        if (frame.ok() || frame.error().code != ErrorCode::not_found) return frame;
        if (piece_at_ == piece_end_) {
            file_.read(reinterpret_cast<char*>(piece_.data()),
                       static_cast<std::streamsize>(piece_.size()));
            if (file_.bad()) return ErrorCode::io;
            piece_at_ = 0;
            piece_end_ = static_cast<std::size_t>(file_.gcount());
            if (piece_end_ == 0)
                return frames_.empty() ? ErrorCode::not_found : ErrorCode::truncated;
        }
        piece_at_ += frames_.feed(Bytes{piece_}.subspan(piece_at_, piece_end_ - piece_at_));
    }
}

}  // namespace longhaul::tools
