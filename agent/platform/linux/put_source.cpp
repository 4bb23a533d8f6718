#include "agent/platform/linux/put_source.hpp"

#include <algorithm>

namespace longhaul::agent {
namespace {

constexpr const char* stopping_text = "error later the agent stops";

std::size_t bytes_of(const PutLine& line) {
    constexpr std::size_t field_bytes = 2 * sizeof(std::string);
    std::size_t bytes = line.stream.size();
    for (const auto& [name, value] : line.fields) bytes += field_bytes + name.size() + value.size();
    return bytes;
}

}  // namespace

PutSource::PutSource(std::vector<PutConfig> configs, PutAnswers& answers)
    : configs_{std::move(configs)}, answers_{answers}, given_(configs_.size()) {
    for (const PutConfig& config : configs_) {
        streams_.push_back({config.stream, &config.schema->schema(), config.schema->encoded(),
                            config.schema->schema().default_class});
    }
}

bool PutSource::has(std::string_view stream) const {
    return std::any_of(streams_.begin(), streams_.end(),
                       [stream](const StreamInfo& info) { return info.name == stream; });
}

Result<std::unique_ptr<PutSource::Waiting>, Message> PutSource::read(PutLine line) const {
    auto waiting = std::make_unique<Waiting>();
    waiting->line = std::move(line);
    const auto found = std::find_if(streams_.begin(), streams_.end(), [&](const StreamInfo& info) {
        return info.name == waiting->line.stream;
    });
    LH_CHECK(found != streams_.end());
    waiting->stream = static_cast<std::uint8_t>(found - streams_.begin());
    waiting->bytes = bytes_of(waiting->line) + sizeof(Waiting);
    LH_TRY_ASSIGN(waiting->values, put_values(waiting->line, *found->schema, waiting->arena));
    return waiting;
}

void PutSource::put(std::uint64_t ticket, PutLine line, MonotonicMs now) {
    if (stopped_) return answers_.answer(ticket, stopping_text);
    auto waiting = read(std::move(line));
    if (!waiting.ok()) return answers_.answer(ticket, "error bad " + waiting.error().text);
    if (*trouble_ != '\0') return answers_.answer(ticket, std::string{"error later "} + trouble_);
    Waiting& sample = *waiting.value();
    if (waiting_bytes_ + sample.bytes > queue_bytes_max)
        return answers_.answer(ticket, "error later too many samples wait to be stored");
    sample.ticket = ticket;
    sample.at = now;
    waiting_bytes_ += sample.bytes;
    waiting_.push_back(std::move(waiting).value());
}

void PutSource::set_trouble(const char* trouble) {
    trouble_ = trouble;
    if (*trouble_ != '\0') fail_waiting(std::string{"error later "} + trouble_);
}

void PutSource::fail_waiting(const std::string& answer) {
    for (const auto& sample : waiting_) answers_.answer(sample->ticket, answer);
    waiting_.clear();
    waiting_bytes_ = 0;
}

MonotonicMs PutSource::next_at() const {
    if (stopped_) return MonotonicMs::never();
    return waiting_.empty() ? until_woken : MonotonicMs{};
}

const Sample* PutSource::next(MonotonicMs now) {
    if (waiting_.empty()) return nullptr;
    current_ = std::move(waiting_.front());
    waiting_.pop_front();
    waiting_bytes_ -= current_->bytes;
    given_[current_->stream].push_back({current_->ticket, now + answer_ms_max, false});
    sample_ = {current_->stream, current_->at.value * 1000, current_->values};
    return &sample_;
}

void PutSource::stored(std::uint8_t stream, std::uint32_t samples) {
    answer_given(stream, samples, "ok");
}

void PutSource::lost(std::uint8_t stream, std::uint32_t samples) {
    answer_given(stream, samples,
                 "error later the spool is full: the sample was dropped and is listed as lost");
}

void PutSource::answer_given(std::uint8_t stream, std::uint32_t samples, const char* answer) {
    std::deque<Given>& given = given_[stream];
    for (; samples != 0; --samples) {
        LH_CHECK(!given.empty());
        const Given front = given.front();
        given.pop_front();
        if (!front.answered) answers_.answer(front.ticket, answer);
    }
}

void PutSource::refused(std::uint8_t stream) {
    LH_CHECK(!given_[stream].empty());
    const Given last = given_[stream].back();
    given_[stream].pop_back();
    if (!last.answered) answers_.answer(last.ticket, "error bad the sample is larger than a block");
}

void PutSource::pump(MonotonicMs now) {
    for (std::deque<Given>& given : given_) {
        for (Given& sample : given) {
            if (sample.answer_by > now) break;
            if (std::exchange(sample.answered, true)) continue;
            answers_.answer(sample.ticket,
                            "error doubt the sample is not stored yet; it may still be");
        }
    }
}

MonotonicMs PutSource::pump_at() const {
    MonotonicMs at = MonotonicMs::never();
    for (const std::deque<Given>& given : given_) {
        const auto next = std::find_if(given.begin(), given.end(),
                                       [](const Given& sample) { return !sample.answered; });
        if (next != given.end()) at = std::min(at, next->answer_by);
    }
    return at;
}

void PutSource::stop() {
    stopped_ = true;
    fail_waiting(stopping_text);
}

}  // namespace longhaul::agent
