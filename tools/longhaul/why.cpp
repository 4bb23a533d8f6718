#include "tools/longhaul/why.hpp"

#include <algorithm>

namespace longhaul::tools {
namespace {

using collector::DeviceState;

std::string count_text(std::uint64_t count, const std::string& thing) {
    return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string heard_text(const DeviceFacts& facts, WallUs now) {
    if (!facts.heard) return "nothing has ever come from it";
    return "last heard " + age_text(*facts.heard, now) + " ago";
}

// "2 blocks and 1 span of epochs with 512 samples and 1 end of unknown size"
std::string extent_text(const Losses& lost) {
    std::string text;
    const auto add = [&text](const std::string& part) {
        text += (text.empty() ? "" : " and ") + part;
    };
    if (lost.blocks != 0) add(count_text(lost.blocks, "block"));
    if (lost.spans != 0)
        add(std::to_string(lost.spans) + (lost.spans == 1 ? " span" : " spans") + " of epochs");
    if (!text.empty()) text += " with " + count_text(lost.samples, "sample");
    if (lost.open_ends != 0) add(count_text(lost.open_ends, "end") + " of unknown size");
    return text;
}

// "lost: full 2 blocks with 512 samples, unreadable 1 end of unknown size, see _losses"; what a
// person may need to look further.
std::string loss_text(const DeviceFacts& facts) {
    std::string text;
    for (const auto& [reason, lost] : facts.losses)
        text += (text.empty() ? "lost: " : ", ") + reason + " " + extent_text(lost);
    return text.empty() ? "nothing is lost" : text + ", see _losses";
}

std::string quarantine_text(const DeviceFacts& facts) {
    std::uint64_t entries = 0;
    std::string most;
    std::uint64_t most_entries = 0;
    for (const auto& [reason, count] : facts.quarantine) {
        entries += count;
        if (count <= most_entries) continue;
        most = reason;
        most_entries = count;
    }
    return std::to_string(entries) + (entries == 1 ? " entry is" : " entries are") +
           " in quarantine (" + most + (facts.quarantine.size() > 1 ? " and other reasons" : "") +
           "), with their bytes";
}

bool refused_since_heard(const DeviceFacts& facts) {
    return facts.refusal && (!facts.heard || *facts.heard < facts.refusal->time);
}

std::string refusal_text(const DeviceFacts& facts, WallUs now) {
    return "was refused " + age_text(facts.refusal->time, now) + " ago: " + facts.refusal->text;
}

// What decides before anything else: whether it may come in.
std::optional<Why> not_allowed(const DeviceFacts& facts, WallUs now) {
    if (facts.state == DeviceState::allowed) return std::nullopt;
    const bool revoked = facts.state == DeviceState::revoked;
    std::string text = revoked ? "is revoked" : "is not registered";
    if (refused_since_heard(facts))
        text += " and was refused " + age_text(facts.refusal->time, now) + " ago";
    text += "; " + heard_text(facts, now) + "; what it has waits in its spool until " +
            (revoked ? "it is allowed again" : "`longhaul device add` lets it in");
    if (facts.heard) text += "; of what came, " + loss_text(facts);
    return Why{revoked ? "revoked" : "unregistered", text};
}

std::string next_of_writer(const DeviceFacts& facts) {
    if (!facts.collector_runs) return "the collector does not run, they become rows when it does";
    return "the collector runs and commits every " + std::to_string(facts.commit_interval_s) + " s";
}

// The audit's sentence without the device's name, with which ours begins.
std::string without_name(const std::string& problem, const DeviceFacts& facts) {
    const std::string name = facts.tenant + "/" + facts.device;
    if (!problem.starts_with(name)) return problem;
    const std::size_t begin = problem.find_first_not_of(": ", name.size());
    return begin == std::string::npos ? problem : problem.substr(begin);
}

Why of_allowed(const DeviceFacts& facts, WallUs now) {
    const std::string lost = loss_text(facts);
    const std::string heard = heard_text(facts, now);
    if (!facts.problems.empty()) {
        return {"damaged", without_name(facts.problems.front(), facts) + " (" +
                               count_text(facts.problems.size(), "problem") +
                               "); `longhaul audit --device " + facts.device + "` names all; " +
                               lost};
    }
    if (refused_since_heard(facts)) {
        return {"refused", refusal_text(facts, now) + "; " + heard +
                               "; it tries again by itself, what it has waits in its spool; " +
                               lost};
    }
    if (!facts.heard) {
        return {"never_heard", "is registered and " + heard +
                                   "; `longhaul-agent why` on the device says what holds it up"};
    }
    if (facts.counts.in_flight != 0) {
        return {"in_flight", heard + "; " + count_text(facts.counts.in_flight, "block") +
                                 (facts.counts.in_flight == 1 ? " is" : " are") +
                                 " durable and not in tables yet, " + next_of_writer(facts) + "; " +
                                 lost};
    }
    if (!facts.quarantine.empty())
        return {"quarantined", quarantine_text(facts) + "; " + heard + "; " + lost};
    if (facts.counts.awaited != 0) {
        return {"awaited", heard + "; it told of " + count_text(facts.counts.awaited, "block") +
                               " that have not come, they wait in its spool until it sends them; " +
                               lost};
    }
    const std::string rows =
        count_text(facts.counts.rows, "row") + " of " + count_text(facts.counts.blocks, "block");
    if (!facts.losses.empty()) return {"losses", heard + "; " + rows + " are in tables; " + lost};
    return {"up_to_date",
            "is up to date: " + heard + ", all its " + rows + " are in tables; " + lost};
}

}  // namespace

std::string age_text(WallUs then, WallUs now) {
    constexpr std::int64_t minute_s = 60;
    constexpr std::int64_t hour_s = 60 * minute_s;
    constexpr std::int64_t day_s = 24 * hour_s;
    const std::int64_t age_s = std::max<std::int64_t>(0, (now.value - then.value) / 1'000'000);
    if (age_s >= 2 * day_s) return std::to_string(age_s / day_s) + " days";
    if (age_s >= 2 * hour_s) return std::to_string(age_s / hour_s) + " hours";
    if (age_s >= 2 * minute_s) return std::to_string(age_s / minute_s) + " min";
    return std::to_string(age_s) + " s";
}

Why why(const DeviceFacts& facts, WallUs now) {
    const auto outside = not_allowed(facts, now);
    Why answer = outside ? *outside : of_allowed(facts, now);
    answer.sentence = facts.tenant + "/" + facts.device + ": " + answer.sentence;
    return answer;
}

}  // namespace longhaul::tools
