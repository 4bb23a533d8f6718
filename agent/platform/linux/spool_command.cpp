#include "agent/platform/linux/spool_command.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "agent/platform/linux/json_text.hpp"
#include "agent/platform/linux/spool_copy.hpp"
#include "agent/platform/linux/spool_survey.hpp"
#include "common/host/exit_codes.hpp"
#include "common/host/files.hpp"

namespace longhaul::agent {
namespace {

int complain(const Message& message) {
    std::fprintf(stderr, "longhaul-agent: %s\n", message.text.c_str());
    return exit_bad_data;
}

std::string hex(Incarnation incarnation) {
    char text[9];
    std::snprintf(text, sizeof(text), "%08x", incarnation.value);
    return text;
}

std::string number(const char* name, std::uint64_t value) {
    return std::string{"\""} + name + "\":" + std::to_string(value);
}
std::string word(const char* name, std::string_view value) {
    return std::string{"\""} + name + "\":" + json_text(value);
}

std::string blocks_text(const BlockCount& count, const char* state) {
    std::string text = std::to_string(count.blocks) + " " + state;
    if (count.blocks == 0) return text;
    return text + " (" + std::to_string(count.first) + "–" + std::to_string(count.last) + ", " +
           std::to_string(count.samples) + " samples, " + std::to_string(count.bytes) + " bytes)";
}

std::string place_text(const BlockPlace& place) {
    return std::to_string(place.epoch.value) + "." + std::to_string(place.number);
}

std::string loss_text(const Loss& loss) {
    std::string text = std::string{name_of(loss.reason)} + ", ";
    if (loss.first.epoch.value == 0) return text + "an earlier spool, nobody knows what was in it";
    text += std::string{name_of(loss.block_class)} + " " + place_text(loss.first);
    if (loss.last != loss.first) text += " to " + place_text(loss.last);
    return text + ", " + std::to_string(loss.samples) + " samples";
}

std::string loss_json(const Loss& loss) {
    return "{" + word("reason", name_of(loss.reason)) + "," +
           word("class", name_of(loss.block_class)) + "," +
           number("first_epoch", loss.first.epoch.value) + "," +
           number("first", loss.first.number) + "," + number("last_epoch", loss.last.epoch.value) +
           "," + number("last", loss.last.number) + "," + number("samples", loss.samples) + "}";
}

template <class Items, class Write>
std::string json_list(const char* name, const Items& items, Write write) {
    std::string list;
    for (const auto& item : items) list += (list.empty() ? "" : ",") + write(item);
    return std::string{"\""} + name + "\":[" + list + "]";
}

std::string survey_json(SpoolCopy& copy, const SpoolSurvey& found) {
    using Each = std::pair<const EpochClass, SpoolSurvey::Counts>;
    return "{" + word("kind", copy.kind()) + "," +
           word("incarnation", hex(copy.spool().incarnation())) + "," +
           json_list("blocks", found.blocks,
                     [](const Each& each) {
                         const auto& [place, counts] = each;
                         return "{" + number("epoch", place.epoch.value) + "," +
                                word("class", name_of(place.block_class)) + "," +
                                number("kept", counts.kept.blocks) + "," +
                                number("waiting", counts.waiting.blocks) + "," +
                                number("samples_waiting", counts.waiting.samples) + "," +
                                number("bytes_waiting", counts.waiting.bytes) + "," +
                                number("first", counts.kept.first) + "," +
                                number("last", counts.kept.last) + "}";
                     }) +
           "," + json_list("losses", found.losses, loss_json) + "," +
           json_list("problems", found.problems,
                     [](const std::string& text) { return json_text(text); }) +
           "}";
}

// Opens a copy, reads all of it, and hands both on; the exit code is what `then` says.
template <class Then>
int with_survey(const std::string& path, Then then) {
    auto copy = SpoolCopy::make(path);
    if (!copy.ok()) return complain(copy.error());
    auto found = survey(copy.value()->spool());
    if (!found.ok()) return complain({path + ": " + found.error().text});
    if (copy.value()->damaged())
        found.value().problems.emplace_back(
            "damaged: the agent will set it aside and go on with what is told here");
    return then(*copy.value(), found.value());
}

}  // namespace

int spool_inspect_command(const std::string& path, bool json) {
    return with_survey(path, [&](SpoolCopy& copy, const SpoolSurvey& found) {
        if (json) {
            std::printf("%s\n", survey_json(copy, found).c_str());
            return exit_done;
        }
        std::printf("%s: %s, incarnation %s\n", path.c_str(), copy.kind(),
                    hex(copy.spool().incarnation()).c_str());
        for (const auto& [place, counts] : found.blocks) {
            std::printf("epoch %u, %s: %s; %s\n", place.epoch.value, name_of(place.block_class),
                        blocks_text(counts.kept, "kept").c_str(),
                        blocks_text(counts.waiting, "waiting").c_str());
        }
        for (const Loss& loss : found.losses) std::printf("lost: %s\n", loss_text(loss).c_str());
        for (const std::string& problem : found.problems) std::printf("%s\n", problem.c_str());
        return exit_done;
    });
}

int spool_verify_command(const std::string& path, bool json) {
    return with_survey(path, [&](SpoolCopy& copy, const SpoolSurvey& found) {
        const int code = found.problems.empty() ? exit_done : exit_check_failed;
        if (json) {
            std::printf("%s\n", survey_json(copy, found).c_str());
            return code;
        }
        for (const std::string& problem : found.problems)
            std::printf("%s: %s\n", path.c_str(), problem.c_str());
        std::uint64_t blocks = 0;
        for (const auto& [place, counts] : found.blocks) blocks += counts.kept.blocks;
        if (code == exit_done)
            std::printf("%s: fine, %llu blocks\n", path.c_str(),
                        static_cast<unsigned long long>(blocks));
        return code;
    });
}

int spool_export_command(const std::string& path, const std::string& out_path, bool all,
                         bool json) {
    auto copy = SpoolCopy::make(path);
    if (!copy.ok()) return complain(copy.error());
    auto out = NewFile::make(out_path, private_file_mode);
    if (!out.ok()) return complain(out.error());
    const auto count = export_spool(copy.value()->spool(), all,
                                    [&out](Bytes bytes) { return out.value().append(bytes); });
    if (!count.ok()) return complain({path + ": " + count.error().text});
    if (const auto synced = out.value().sync(); !synced.ok()) return complain(synced.error());
    const ExportCount& done = count.value();
    if (json) {
        std::printf("{%s,%s,%s,%s}\n", number("blocks", done.blocks).c_str(),
                    number("epochs", done.epochs).c_str(), number("schemas", done.schemas).c_str(),
                    number("bytes", done.bytes).c_str());
    } else {
        std::printf("%s: %llu blocks of %llu epochs\n", out_path.c_str(),
                    static_cast<unsigned long long>(done.blocks),
                    static_cast<unsigned long long>(done.epochs));
    }
    return exit_done;
}

}  // namespace longhaul::agent
