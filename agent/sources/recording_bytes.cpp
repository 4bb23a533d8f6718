#include "agent/sources/recording_bytes.hpp"

#include <zlib.h>

#include <algorithm>
#include <filesystem>
#include <memory>

#include "common/host/files.hpp"

namespace longhaul::agent {
namespace {

constexpr std::size_t step_bytes = 1 << 20;
constexpr std::string_view gzip_mark = "\x1f\x8b";

struct EndInflate {
    void operator()(z_stream* stream) const { ::inflateEnd(stream); }
};

// All members of the file, one after the other.
Result<std::string, Message> unpack(const std::string& path, std::string& packed,
                                    std::size_t bytes_max) {
    z_stream state{};
    constexpr int gzip_only = 16 + MAX_WBITS;
    if (::inflateInit2(&state, gzip_only) != Z_OK) return Message{path + ": no memory to unpack"};
    const std::unique_ptr<z_stream, EndInflate> stream{&state};
    state.next_in = reinterpret_cast<Bytef*>(packed.data());
    state.avail_in = static_cast<uInt>(packed.size());

    std::string text;
    for (;;) {
        const std::size_t had = text.size();
        text.resize(std::min(had + step_bytes, bytes_max + 1));
        state.next_out = reinterpret_cast<Bytef*>(text.data() + had);
        state.avail_out = static_cast<uInt>(text.size() - had);
        const int result = ::inflate(&state, Z_NO_FLUSH);
        text.resize(text.size() - state.avail_out);
        if (text.size() > bytes_max) {
            return Message{path + ": unpacked it is larger than " +
                           std::to_string(bytes_max >> 20) + " MiB"};
        }
        if (result == Z_STREAM_END && state.avail_in == 0) return text;
        if (result == Z_STREAM_END ? ::inflateReset(&state) != Z_OK : result != Z_OK) break;
    }
    return Message{path + ": is damaged or cut; gzip -t " + path + " tells more"};
}

// How to get a recording that is missing from what lies there instead; empty: nothing does.
std::string advice(const std::string& path) {
    std::error_code error;
    if (std::filesystem::exists(path, error)) return "";
    if (std::filesystem::exists(path + ".gz", error)) return "; there is a " + path + ".gz";
    if (std::filesystem::exists(path + ".xz", error)) return "; unpack it: xz -dk " + path + ".xz";
    return "";
}

}  // namespace

Result<std::string, Message> read_recording(const std::string& path, std::size_t bytes_max) {
    auto text = read_text_file(path, bytes_max);
    if (!text.ok()) return Message{text.error().text + advice(path)};
    if (!text.value().starts_with(gzip_mark)) return text;
    return unpack(path, text.value(), bytes_max);
}

}  // namespace longhaul::agent
