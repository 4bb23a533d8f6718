#include "agent/platform/linux/syslog_source.hpp"

#include "agent/platform/linux/syslog_datagrams.hpp"
#include "agent/platform/linux/syslog_tail.hpp"

namespace longhaul::agent {
namespace {

Result<std::unique_ptr<SyslogInput>, Message> open_input(const SyslogConfig& config) {
    if (!config.file.empty()) return make_syslog_tail(config.file, config.from_start);
    return config.socket.empty() ? listen_for_syslog(config.udp)
                                 : bind_syslog_socket(config.socket);
}

}  // namespace

void SyslogQueue::put(std::string_view text, MonotonicMs at) {
    entries_.push_back({at, std::string{text}});
    bytes_ += text.size() + sizeof(Entry);
}

SyslogQueue::Entry SyslogQueue::take() {
    Entry entry = std::move(entries_.front());
    entries_.pop_front();
    bytes_ -= entry.text.size() + sizeof(Entry);
    return entry;
}

Result<std::unique_ptr<SyslogSource>, Message> SyslogSource::open(const SyslogConfig& config) {
    LH_TRY_ASSIGN(std::unique_ptr<SyslogInput> input, open_input(config));
    return std::unique_ptr<SyslogSource>{new SyslogSource{config, std::move(input)}};
}

SyslogSource::SyslogSource(const SyslogConfig& config, std::unique_ptr<SyslogInput> input)
    : config_{config},
      streams_{StreamInfo{config_.stream, &schema_.schema(), schema_.encoded(),
                          schema_.schema().default_class}},
      input_{std::move(input)} {}

void SyslogSource::pump(MonotonicMs now) {
    if (input_ != nullptr) input_->pump(queue_, now);
}

MonotonicMs SyslogSource::pump_at() const {
    return input_ == nullptr ? MonotonicMs::never() : input_->pump_at();
}

void SyslogSource::watch(std::vector<pollfd>& watched) const {
    if (input_ != nullptr) watched.push_back({input_->descriptor(), POLLIN, 0});
}

MonotonicMs SyslogSource::next_at() const { return queue_.empty() ? until_woken : MonotonicMs{}; }

const Sample* SyslogSource::next(MonotonicMs) {
    while (!queue_.empty()) {
        given_ = queue_.take();
        if (const auto refusal = read_syslog(given_.text, values_)) {
            queue_.refuse(*refusal);
            continue;
        }
        sample_ = {0, given_.at.value * 1000, values_};
        return &sample_;
    }
    return nullptr;
}

SourceReport SyslogSource::report() const {
    const std::string from = config_.file + config_.socket + config_.udp;  // one of them
    SourceReport report{
        "syslog " + from, input_ == nullptr ? "" : input_->trouble(), {}, queue_.lost()};
    for (const SyslogRefusal reason : {SyslogRefusal::empty, SyslogRefusal::too_long}) {
        if (const std::uint64_t count = queue_.refused(reason); count != 0)
            report.refused.emplace_back(name_of(reason), count);
    }
    return report;
}

}  // namespace longhaul::agent
