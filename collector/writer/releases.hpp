// Brings what blocks in quarantine wait for: first the entry of a model that has been found, then a
// release of each block. Specification: docs/spec/writer.md.
//
// What is to be done follows from the writer alone, so nothing is remembered over an end: what was
// not appended is found again. An entry that is appended twice does no harm.
#pragma once

#include <functional>
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
    // Both outlive it.
    Releases(Journal& journal, const Writer& writer, Ports ports)
        : journal_{journal}, writer_{writer}, ports_{std::move(ports)} {}

    // A bounded piece of work, when the writer has read everything; there may be more when it has
    // read what this one appended. After an error, the first of
    // several, the same call may be tried again.
    Status step(WallUs now);

 private:
    Status append_models(WallUs now);
    Status append_releases(WallUs now);
    Status append_release(const WaitingBlock& block, WallUs now);

    Journal& journal_;
    const Writer& writer_;
    Ports ports_;
    // Appended, and not yet read by the writer.
    std::set<MissingModel> models_;
    std::set<WaitingBlock> blocks_;
    std::set<WaitingBlock> damaged_;  // their entries cannot be read any more
};

}  // namespace longhaul::collector
