// Devices that hand over blocks as fast as a collector takes them, in one thread.
//
//   block_load --port P [--blocks N] [--under-way N] FOLDER...
//
// A folder is a device's: root.crt, device.crt, device.key, and `session`, which
// `longhaul-agent spool export` wrote. Of --blocks, each of them begins anew when its own are over;
// without it each is sent once. --under-way: so many blocks wait for their acknowledgement, at
// most; without it what the collector's credit allows. Prints one line of JSON.
#include <poll.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "common/base/check.hpp"
#include "common/block/crypto.hpp"
#include "common/wire/frame.hpp"
#include "tests/support/load_client.hpp"

using namespace longhaul;
using longhaul::test::LoadClient;
using longhaul::test::LoadProfile;

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t record_bytes = 16 << 10;  // of TLS

struct Options {
    unsigned long port = 0;
    std::size_t blocks = 0;
    std::size_t under_way = SIZE_MAX;
    std::vector<std::string> folders;
};

// What a device says, cut into frames.
struct Session {
    explicit Session(const std::string& path) {
        std::ifstream file{path, std::ios::binary};
        const std::string text{std::istreambuf_iterator<char>{file}, {}};
        const auto all = std::as_bytes(std::span{text});
        bytes.assign(all.begin(), all.end());
        for (std::size_t at = 0; at < bytes.size();) {
            ByteReader header{Bytes{bytes}.subspan(at, frame_header_bytes)};
            const auto type = static_cast<FrameType>(header.u8());
            const std::size_t size = frame_header_bytes + header.u24();
            const Bytes frame = Bytes{bytes}.subspan(at, size);
            if (type == FrameType::block)
                blocks.push_back(frame);
            else if (type != FrameType::bye)
                introduction.insert(introduction.end(), frame.begin(), frame.end());
            at += size;
        }
        LH_CHECK(!blocks.empty());
    }
    std::vector<std::byte> bytes;
    std::vector<std::byte> introduction;
    std::vector<Bytes> blocks;
};

class Device {
 public:
    Device(const Options& options, const std::string& folder)
        : session_{folder + "/session"},
          profile_{{folder + "/root.crt", folder + "/device.crt", folder + "/device.key"}, {}},
          client_{profile_, options.port},
          out_{session_.introduction},
          wanted_{options.blocks == 0 ? session_.blocks.size() : options.blocks},
          under_way_max_{options.under_way} {}

    int socket() const { return client_.socket(); }
    bool writes() const { return ready_ && done_ < out_.size(); }
    bool finished() const { return acked() == wanted_; }
    std::size_t acked() const { return ack_ms.size(); }

    void work() {
        if (!ready_) {
            const LoadClient::State state = client_.handshake();
            LH_CHECK(state != LoadClient::State::ended);
            if (state == LoadClient::State::waits) return;
            ready_ = true;
        }
        read();
        while (write()) {
        }
    }

    std::vector<float> ack_ms;
    std::uint64_t block_bytes = 0;

 private:
    // False: there is nothing to write, or no room for it.
    bool write() {
        if (done_ == out_.size()) fill();
        if (out_.empty()) return false;
        const auto written = client_.write(Bytes{out_}.subspan(done_));
        LH_CHECK(written.has_value());
        done_ += *written;
        return *written > 0;
    }

    void fill() {
        out_.clear();
        done_ = 0;
        const Clock::time_point now = Clock::now();
        while (begun_ < wanted_ && under_way_.size() < under_way_max_) {
            const Bytes block = session_.blocks[begun_ % session_.blocks.size()];
            const std::size_t body = block.size() - frame_header_bytes;
            if (block_bytes + body > credit_ || out_.size() + block.size() > record_bytes) break;
            out_.insert(out_.end(), block.begin(), block.end());
            under_way_.push_back(now);
            block_bytes += body;
            ++begun_;
        }
    }

    void read() {
        std::array<std::byte, 4096> bytes;
        for (;;) {
            const auto got = client_.read(bytes);
            LH_CHECK(got.has_value());
            if (*got == 0) return;
            Bytes rest = Bytes{bytes}.first(*got);
            for (auto frame = frames_.next(rest); frame.ok(); frame = frames_.next(rest))
                take(frame.value());
        }
    }

    void take(const Frame& frame) {
        if (frame.type == FrameType::welcome) {
            longhaul_Welcome welcome = longhaul_Welcome_init_zero;
            LH_CHECK(parse_message(frame.body, welcome).ok());
            credit_ = welcome.credit;
        } else if (frame.type == FrameType::window) {
            longhaul_Window window = longhaul_Window_init_zero;
            LH_CHECK(parse_message(frame.body, window).ok());
            credit_ = window.credit;
        } else if (frame.type == FrameType::ack) {
            longhaul_Ack ack = longhaul_Ack_init_zero;
            LH_CHECK(parse_message(frame.body, ack).ok());
            for (const auto& range : std::span{ack.ranges, ack.ranges_count})
                acknowledge(range.last_seq - range.first_seq + 1);
        } else {
            LH_CHECK(frame.type != FrameType::collector_bye);
        }
    }

    void acknowledge(std::size_t blocks) {
        const Clock::time_point now = Clock::now();
        LH_CHECK(blocks <= under_way_.size());
        for (std::size_t i = 0; i < blocks; ++i) {
            const std::chrono::duration<float, std::milli> took = now - under_way_.front();
            under_way_.pop_front();
            ack_ms.push_back(took.count());
        }
    }

    Session session_;
    LoadProfile profile_;
    LoadClient client_;
    std::vector<std::byte> room_ = std::vector<std::byte>(frame_bytes_max);
    FrameReader frames_{room_};
    std::vector<std::byte> out_;
    std::size_t done_ = 0;  // of out_
    std::size_t wanted_;
    std::size_t under_way_max_;
    std::size_t begun_ = 0;  // blocks
    std::uint64_t credit_ = 0;
    std::deque<Clock::time_point> under_way_;
    bool ready_ = false;
};

using Devices = std::vector<std::unique_ptr<Device>>;

void until_finished(const Devices& devices) {
    std::vector<pollfd> ready(devices.size());
    for (;;) {
        bool finished = true;
        for (std::size_t i = 0; i < devices.size(); ++i) {
            devices[i]->work();
            finished &= devices[i]->finished();
            const auto events =
                static_cast<short>(devices[i]->writes() ? POLLIN | POLLOUT : POLLIN);
            ready[i] = {devices[i]->socket(), events, 0};
        }
        if (finished) return;
        LH_CHECK(::poll(ready.data(), ready.size(), 30'000) > 0);
    }
}

void report(const Devices& devices, double seconds) {
    std::vector<float> ack_ms;
    std::uint64_t bytes = 0;
    for (const auto& device : devices) {
        ack_ms.insert(ack_ms.end(), device->ack_ms.begin(), device->ack_ms.end());
        bytes += device->block_bytes;
    }
    std::sort(ack_ms.begin(), ack_ms.end());
    const auto at = [&](std::size_t percent) {
        return static_cast<double>(ack_ms[(ack_ms.size() - 1) * percent / 100]);
    };
    std::printf(
        "{\"blocks\": %zu, \"block_bytes\": %llu, \"seconds\": %.4f, \"ack_ms_p50\": %.3f, "
        "\"ack_ms_p99\": %.3f}\n",
        ack_ms.size(), static_cast<unsigned long long>(bytes), seconds, at(50), at(99));
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string name = argv[i];
        if (name.starts_with("--") && i + 1 < argc) {
            const unsigned long value = std::stoul(argv[++i]);
            if (name == "--port") options.port = value;
            if (name == "--blocks") options.blocks = value;
            if (name == "--under-way") options.under_way = value;
        } else {
            options.folders.push_back(name);
        }
    }
    if (options.port == 0 || options.folders.empty() || !crypto_init().ok()) {
        std::fprintf(stderr, "usage: see the head of tests/bench/block_load.cpp\n");
        return 64;
    }
    Devices devices;
    for (const std::string& folder : options.folders)
        devices.push_back(std::make_unique<Device>(options, folder));
    const Clock::time_point begin = Clock::now();
    until_finished(devices);
    report(devices, std::chrono::duration<double>{Clock::now() - begin}.count());
    return 0;
}
