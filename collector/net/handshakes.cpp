#include "collector/net/handshakes.hpp"

#include <unistd.h>

#include <boost/asio/post.hpp>

namespace longhaul::collector {
namespace {

constexpr int less_urgent = 10;

std::size_t thread_count() { return std::max(1U, std::thread::hardware_concurrency() / 2); }

}  // namespace

Handshakes::Handshakes(const boost::asio::any_io_executor& network)
    : network_{network},
      queue_{thread_count(), full_per_s_default},
      timer_{network},
      guard_{work_.get_executor()} {
    for (std::size_t i = 0; i < thread_count(); ++i)
        threads_.emplace_back([this] { run_thread(); });
}

Handshakes::~Handshakes() {
    guard_.reset();
    for (std::thread& thread : threads_) thread.join();
}

// On Linux this is about the calling thread alone.
void Handshakes::run_thread() {
    static_cast<void>(::nice(less_urgent) == 0);
    work_.run();
}

void Handshakes::enter(Shaker& shaker, std::size_t places_max) {
    if (places_ >= places_max) drop_oldest();
    ++places_;
    shaker.place_ = next_place_++;
    waiting_.emplace(shaker.place_, &shaker);
}

void Handshakes::leave(Shaker& shaker) {
    if (shaker.place_ == 0) return;
    --places_;
    waiting_.erase(shaker.place_);
    shaker.place_ = 0;
}

bool Handshakes::drop_oldest() {
    const auto drop = [this](Shaker& shaker) {
        leave(shaker);
        shaker.on_dropped();
        return true;
    };
    if (!waiting_.empty()) return drop(*waiting_.begin()->second);
    const auto queued = queue_.withdraw_last();
    return queued && drop(**queued);
}

void Handshakes::submit(const std::shared_ptr<Shaker>& shaker, HandshakeStep step) {
    waiting_.erase(shaker->place_);
    queue_.add(step, shaker);
    begin_work();
}

bool Handshakes::withdraw(const Shaker& shaker) {
    return queue_.withdraw([&shaker](const auto& each) { return each.get() == &shaker; });
}

void Handshakes::begin_work() {
    const MonotonicMs now = monotonic_now();
    while (auto next = queue_.next(now)) {
        auto worked = [this, shaker = *next] {
            queue_.done();
            if (shaker->place_ != 0) waiting_.emplace(shaker->place_, shaker.get());
            shaker->on_worked();
            begin_work();
        };
        auto work = [this, shaker = *std::move(next), worked = std::move(worked)]() mutable {
            shaker->work();
            shaker.reset();  // it ends on the network's thread
            boost::asio::post(network_, std::move(worked));
        };
        boost::asio::post(work_, std::move(work));
    }
    const MonotonicMs due = queue_.due(now);
    if (due == MonotonicMs::never()) return;
    timer_.expires_at(time_point_of(due));
    timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) begin_work();
    });
}

}  // namespace longhaul::collector
