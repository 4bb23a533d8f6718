#include "agent/sources/recording_bytes.hpp"

#include <zlib.h>

#include <catch2/catch_test_macros.hpp>

#include "tests/support/temporary_folder.hpp"

using namespace longhaul::agent;
using longhaul::test::TemporaryFolder;

namespace {

std::string packed(const std::string& text) {
    z_stream stream{};
    REQUIRE(::deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY) == Z_OK);
    std::string out(::deflateBound(&stream, text.size()) + 32, '\0');
    std::string in = text;
    stream.next_in = reinterpret_cast<Bytef*>(in.data());
    stream.avail_in = static_cast<uInt>(in.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    REQUIRE(::deflate(&stream, Z_FINISH) == Z_STREAM_END);
    out.resize(stream.total_out);
    ::deflateEnd(&stream);
    return out;
}

constexpr std::size_t bytes_max = 4 << 20;

std::string error_of(const std::string& path) {
    const auto text = read_recording(path, bytes_max);
    REQUIRE_FALSE(text.ok());
    return text.error().text;
}

}  // namespace

TEST_CASE("recording: is read as it is, or unpacked") {
    const TemporaryFolder folder;
    CHECK(read_recording(folder.write("plain", "a,b\n1,2\n")).value() == "a,b\n1,2\n");
    CHECK(read_recording(folder.write("nothing", "")).value().empty());
    CHECK(read_recording(folder.write("one.gz", packed("a,b\n"))).value() == "a,b\n");
    const std::string large(3 << 20, 'x');
    CHECK(read_recording(folder.write("large.gz", packed(large))).value() == large);
    const std::string members = packed("a,b\n") + packed("1,2\n");
    CHECK(read_recording(folder.write("members.gz", members)).value() == "a,b\n1,2\n");
}

TEST_CASE("recording: damaged or cut, too large or missing, it says so") {
    const TemporaryFolder folder;
    const std::string whole = packed("some text that is long enough to be damaged");
    for (std::size_t bytes = 2; bytes < whole.size(); ++bytes) {
        CAPTURE(bytes);
        CHECK(error_of(folder.write("cut.gz", whole.substr(0, bytes))).find("damaged") !=
              std::string::npos);
    }
    CHECK(error_of(folder.write("more.gz", whole + "x")).find("damaged") != std::string::npos);
    const std::string bomb = packed(std::string(bytes_max + 1, '\0'));
    CHECK(bomb.size() < 100'000);
    CHECK(error_of(folder.write("bomb.gz", bomb)).find("larger than 4 MiB") != std::string::npos);

    const std::string missing = folder.path() + "/frames.csv";
    CHECK(error_of(missing).find("cannot open") != std::string::npos);
    folder.write("frames.csv.xz", "packed");
    CHECK(error_of(missing).find("unpack it: xz -dk " + missing + ".xz") != std::string::npos);
    CHECK(error_of(folder.path()).find("is not a file") != std::string::npos);
}
