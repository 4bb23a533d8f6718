// What a connection asks of the journal, whatever thread that runs on.
#pragma once

#include <cstdint>
#include <memory>

#include "collector/journal/journal.hpp"

namespace longhaul::collector {

// Who submits. Told, on its own thread and in order, how many of its submissions are durable by
// now.
class Submitter {
 public:
    virtual ~Submitter() = default;
    virtual void on_durable(std::uint64_t count) = 0;
};

class Submissions {
 public:
    // Copies the entry and returns at once. `from` may be nullptr: nobody wants to be told. After a
    // failure of the journal nothing is told any more. False: it was not taken, because the journal
    // has stopped or failed.
    virtual bool submit(const std::shared_ptr<Submitter>& from, Shard shard,
                        const JournalEntry& entry) = 0;

 protected:
    ~Submissions() = default;
};

}  // namespace longhaul::collector
