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
        const auto frame = frames_.next(rest_);
        if (frame.ok()) next_at_ = at_ + frame_header_bytes + frame.value().body.size();
        if (frame.ok() || frame.error().code != ErrorCode::not_found) return frame;
        file_.read(reinterpret_cast<char*>(piece_.data()),
                   static_cast<std::streamsize>(piece_.size()));
        if (file_.bad()) return ErrorCode::io;
        rest_ = Bytes{piece_}.first(static_cast<std::size_t>(file_.gcount()));
        if (rest_.empty()) return frames_.empty() ? ErrorCode::not_found : ErrorCode::truncated;
    }
}

}  // namespace longhaul::tools
