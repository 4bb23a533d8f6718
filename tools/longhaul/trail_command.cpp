#include "tools/longhaul/trail_command.hpp"

#include <pwd.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <cstdio>
#include <set>

#include "collector/registry/trail_files.hpp"
#include "common/host/exit_codes.hpp"
#include "tools/longhaul/collector_files.hpp"

namespace longhaul::tools {

using collector::AuditTrail;
using collector::TrailFact;
using collector::TrailVerifier;

namespace {

std::string person() {
    const uid_t user = ::getuid();
    const passwd* const entry = ::getpwuid(user);
    return "person " + (entry != nullptr ? std::string{entry->pw_name} : std::to_string(user));
}

std::string count_text(std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " line" : " lines");
}

void print(const std::string& name, const TrailVerifier& trail) {
    const std::string shown = name == collector::site_trail ? "the site" : name;
    for (const std::string& problem : trail.problems())
        std::fprintf(stderr, "longhaul: %s: %s\n", name.c_str(), problem.c_str());
    for (const std::string& cut : trail.cuts()) std::printf("%s: %s\n", shown.c_str(), cut.c_str());
    if (!trail.torn().empty()) std::printf("%s: %s\n", shown.c_str(), trail.torn().c_str());
    std::printf("%s: %s, %s, head %s\n", shown.c_str(), count_text(trail.lines()).c_str(),
                trail.problems().empty() ? "whole" : "NOT whole", trail.end().hash.c_str());
}

boost::json::object json_of(const std::string& name, const TrailVerifier& trail) {
    boost::json::object all{{"trail", name},
                            {"lines", trail.lines()},
                            {"whole", trail.problems().empty()},
                            {"head", trail.end().hash},
                            {"last", trail.end().number}};
    all["unfinished"] = trail.torn();
    all["cuts"] = boost::json::array(trail.cuts().begin(), trail.cuts().end());
    all["problems"] = boost::json::array(trail.problems().begin(), trail.problems().end());
    return all;
}

struct Verdict {
    bool whole = true;
    std::set<std::string> found;  // of the heads
    boost::json::array trails;
};

Result<void, Message> verify_one(const std::string& folder, const std::string& name,
                                 const TrailOptions& options, Verdict& verdict) {
    TrailVerifier trail{name};
    for (const std::string& head : options.heads) trail.look_for(head);
    LH_TRY(verify_trail(folder + "/" + name, trail));
    verdict.whole = verdict.whole && trail.problems().empty();
    for (const std::string& head : options.heads)
        if (trail.found(head)) verdict.found.insert(head);
    if (options.json)
        verdict.trails.push_back(json_of(name, trail));
    else
        print(name, trail);
    return {};
}

}  // namespace

TrailFact fact(std::string tenant, std::string what, std::string about, std::string why,
               WallUs now) {
    return {std::move(tenant), now, person(), std::move(what), std::move(about), std::move(why)};
}

Result<void, Message> note(const std::string& registry, const std::vector<TrailFact>& facts) {
    const auto kept = AuditTrail{AuditTrail::folder_beside(registry)}.append(facts);
    if (kept.ok()) return {};
    return Message{"it is done, but not written into the audit trail: " + kept.error().text};
}

Result<void, Message> note_after(const Result<void, Message>& outcome, const std::string& registry,
                                 const std::vector<TrailFact>& facts) {
    const auto noted = note(registry, facts);
    return outcome.ok() ? noted : outcome;
}

Result<int, Message> verify_trails(const TrailOptions& options) {
    const auto registry = registry_path(options.config);
    if (!registry.ok()) {
        std::fprintf(stderr, "longhaul: %s\n", registry.error().text.c_str());
        return exit_configuration;
    }
    const std::string folder = AuditTrail::folder_beside(registry.value());
    LH_TRY_ASSIGN(const auto names, collector::trail_names(folder));
    Verdict verdict;
    for (const std::string& name : names) LH_TRY(verify_one(folder, name, options, verdict));
    boost::json::array missing;
    for (const std::string& head : options.heads) {
        if (verdict.found.contains(head)) continue;
        verdict.whole = false;
        missing.emplace_back(head);
        std::fprintf(stderr,
                     "longhaul: no line has the hash %s: lines were cut off at the end or "
                     "rewritten, or it is of another site\n",
                     head.c_str());
    }
    if (options.json) {
        const boost::json::object all{{"whole", verdict.whole},
                                      {"missing_heads", std::move(missing)},
                                      {"trails", std::move(verdict.trails)}};
        std::printf("%s\n", boost::json::serialize(all).c_str());
    } else if (names.empty()) {
        std::printf("%s: there is no audit trail yet\n", folder.c_str());
    }
    return verdict.whole ? exit_done : exit_bad_data;
}

}  // namespace longhaul::tools
