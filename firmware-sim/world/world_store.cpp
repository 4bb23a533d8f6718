#include "firmware-sim/world/world_store.hpp"

#include "collector/lake/delta_log.hpp"

namespace longhaul::sim {
namespace {

using namespace longhaul::collector;

constexpr std::uint64_t late_calls_max = 4;
// What a program leaves that has changed nothing: readers of Delta pass over it.
constexpr std::string_view commit_of_others =
    R"({"commitInfo":{"timestamp":1800000000000,"operation":"VACUUM END"}})"
    "\n";

}  // namespace

class WorldStore::Upload final : public ObjectWriter {
 public:
    Upload(WorldStore& store, std::unique_ptr<ObjectWriter> sound)
        : store_{store}, sound_{std::move(sound)} {}
    Status append(Bytes bytes) override { return sound_->append(bytes); }
    Status finish(std::string_view path) override {
        store_.pass_time();
        return store_.answer([this, path] { return sound_->finish(path); });
    }

 private:
    WorldStore& store_;
    std::unique_ptr<ObjectWriter> sound_;
};

Status WorldStore::begin_process() {
    sound_.emplace(disk_);
    return sound_->clean_up();
}

void WorldStore::end_process() {
    for (const Late& late : late_) {
        if (random_.one_in(2)) (void)late.call().ok();
    }
    late_.clear();
    sound_.reset();
}

Status WorldStore::unanswered() {
    ++counts_.unanswered;
    log_.add(scheduler_.now(), EventLog::collector, Happening::unanswered);
    return Error{ErrorCode::io, "the simulated store did not answer in time"};
}

// The answer gets lost on its way back, or the call on its way there.
Status WorldStore::answer(const Call& call) {
    if (!random_.permille(faults_.unanswered_permille)) return call();
    if (random_.one_in(2)) (void)call().ok();
    return unanswered();
}

void WorldStore::pass_time() {
    for (Late& late : late_) --late.calls_left;
    while (!late_.empty() && late_.front().calls_left == 0) {
        (void)late_.front().call().ok();  // nobody waits for its answer
        late_.pop_front();
    }
}

// Only of a table that is there: its first commit says what it is.
void WorldStore::take_name(std::string_view path) {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    if (commit_version(name) < 1 || !random_.permille(faults_.taken_permille)) return;
    if (!sound_->put_if_absent(path, as_bytes(commit_of_others)).ok()) return;
    ++counts_.taken;
    log_.add(scheduler_.now(), EventLog::collector, Happening::name_taken, commit_version(name));
}

Status WorldStore::put_if_absent(std::string_view path, Bytes bytes) {
    pass_time();
    take_name(path);
    if (!random_.permille(faults_.unanswered_permille)) return sound_->put_if_absent(path, bytes);
    enum { lost, done, denied, late, ways };
    switch (random_.below(ways)) {
        case lost:
            return unanswered();
        case done:
            (void)sound_->put_if_absent(path, bytes).ok();
            return unanswered();
        case denied: {  // a client that asks again by itself hears of its own first call
            LH_TRY(sound_->put_if_absent(path, bytes));
            ++counts_.denied;
            return ErrorCode::exists;
        }
        default:
            break;
    }
    // Behind those that are late already, as their numbers count down together.
    const std::uint64_t after = late_.empty() ? 1 : late_.back().calls_left;
    late_.push_back(
        {after + random_.below(late_calls_max),
         [this, at = std::string{path}, copy = std::vector<std::byte>{bytes.begin(), bytes.end()}] {
             return sound_->put_if_absent(at, copy);
         }});
    ++counts_.late;
    return unanswered();
}

Result<std::unique_ptr<ObjectWriter>> WorldStore::begin() {
    LH_TRY_ASSIGN(auto sound, sound_->begin());
    return std::unique_ptr<ObjectWriter>{new Upload{*this, std::move(sound)}};
}

Result<std::vector<std::byte>> WorldStore::read(std::string_view path) {
    pass_time();
    return sound_->read(path);
}

Result<std::vector<std::string>> WorldStore::list(std::string_view folder) {
    pass_time();
    return sound_->list(folder);
}

Result<std::vector<StoredObject>> WorldStore::entries(std::string_view folder) {
    pass_time();
    return sound_->entries(folder);
}

Status WorldStore::remove(std::string_view path) {
    pass_time();
    return answer([&] { return sound_->remove(path); });
}

Status WorldStore::make_durable(std::string_view folder) { return sound_->make_durable(folder); }

Status WorldStore::replace(std::string_view path, Bytes bytes) {
    pass_time();
    return answer([&] { return sound_->replace(path, bytes); });
}

}  // namespace longhaul::sim
