// Brings what blocks in quarantine wait for: first the entry of a model that has been found, then a
// release of each block, with the bytes that `_quarantine` has. Specification: docs/spec/writer.md.
//
// What is to be done follows from the writer alone, so nothing is remembered over an end: what was
// not appended is found again. An entry that is appended twice does no harm.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "collector/writer/writer.hpp"

namespace longhaul::collector {

class Releases {
 public:
    struct Ports {
        // nullptr: nobody has given it yet.
        std::function<std::shared_ptr<const std::vector<std::byte>>(const std::string& tenant,
                                                                    const ModelHash& hash)>
            find_model;
        // Error closed: the journal takes nothing any more.
        std::function<Status(Shard shard, const JournalEntry& entry)> append;
    };
    // Both outlive it; `lake` is the one that the writer writes to.
    Releases(ObjectStore& lake, Writer& writer, Ports ports)
        : lake_{lake}, writer_{writer}, ports_{std::move(ports)} {}

    // A bounded piece of work, when the writer has read everything; there may be more when it has
    // read what this one appended, or has committed. After an error, the first of several, the same
    // call may be tried again.
    Status step(WallUs now);

 private:
    struct Quarantined {
        std::string tenant;
        std::string device;
        BlockName name;
        WallUs received;
        std::vector<std::byte> content;
    };
    struct Name {
        std::string tenant;
        std::string device;
        BlockName block;
        bool operator<(const Name& other) const;
    };

    Status append_models(WallUs now);
    Status append_releases();
    Status append_release(const Quarantined& block);
    Status look_for_blocks();
    Status look_into(const std::string& tenant);
    // False: there was no room for all.
    Result<bool> look_into_file(const std::string& tenant, Bytes content);

    ObjectStore& lake_;
    Writer& writer_;
    Ports ports_;
    // Appended, and not yet read by the writer.
    std::set<MissingModel> models_;
    std::set<Name> blocks_;
    // Found, and not yet appended.
    std::deque<Quarantined> found_;
    std::size_t found_bytes_ = 0;
    // What was looked for, and in which files of `_quarantine` nothing more of it is.
    std::set<Releasable> wanted_;
    std::map<std::string, DeltaTable> tables_;  // by tenant
    std::set<std::string> looked_into_;         // tenant/path
};

}  // namespace longhaul::collector
