// An exported spool on its way into the journal: the device's half of a session, checked like one.
// Specification: docs/spec/frames.md, Exported spools.
//
// A session knows by its connection who speaks, and that no byte has changed on the way. A file
// tells the one by the signature of an epoch record, the other by it, too, and by the seal of each
// block. So nothing that was damaged takes a name in the journal that the device needs later.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collector/registry/registry.hpp"
#include "collector/session/session.hpp"
#include "collector/writer/key_ring.hpp"
#include "tools/longhaul/spool_file.hpp"

namespace longhaul::tools {

struct ImportReport {
    collector::DeviceName device;  // without a name: nothing waits in the file
    Incarnation incarnation;
    std::uint64_t blocks = 0;  // that are durable now and were not before
    std::uint64_t block_bytes = 0;
    std::uint64_t known = 0;  // blocks that the journal had
    struct Fault {
        std::uint64_t at = 0;  // byte of the file
        std::string text;
    };
    static constexpr std::size_t faults_max = 100;
    std::vector<Fault> faults;  // the first ones
    std::uint64_t fault_count = 0;
    bool whole = false;  // it ends with a Bye

    void add_fault(std::uint64_t at, std::string text);
};

// Whose spool it is and who vouches for it. A certificate that has expired does; one that only an
// authority vouches for that was cut off does not, for nobody can say when it was made.
struct SpoolOwner {
    collector::DeviceName device;
    std::vector<collector::Certificate> authorities;  // of its tenant, that are accepted
};
// Nothing: no epoch record is in the file. The refusal's text is for a person.
struct ImportRefusal {
    std::optional<collector::DeviceName> device;  // that the file names
    std::string text;
    bool denied = false;  // else the file or the registry cannot be read
};
Result<std::optional<SpoolOwner>, ImportRefusal> find_owner(const std::string& path,
                                                            const std::string& environment,
                                                            collector::Registry& registry);

class SpoolImport {
 public:
    // All of them outlive it. The journal is appended to by nobody else.
    SpoolImport(collector::Journal& journal, const SpoolOwner& owner,
                const collector::KeyRing& keys);

    // What the journal holds already: it need not come once more.
    Result<void, Message> look_into_journal();
    // Takes what can be taken and returns when all of that is durable. The error is the journal's;
    // the report then says what was durable before.
    Result<void, Message> run(SpoolFile& file, WallUs now, ImportReport& report);

 private:
    using EpochName = std::pair<std::uint32_t, std::uint32_t>;
    struct BlockKeyOf {  // in a journal's shard a device's block is named by these
        std::uint32_t incarnation, epoch, seq;
        friend auto operator<=>(const BlockKeyOf&, const BlockKeyOf&) = default;
    };

    Result<void, Message> take(const Frame& frame, std::uint64_t at, ImportReport& report);
    std::optional<std::string> fault_of(const Frame& frame, ImportReport& report);
    std::optional<std::string> fault_of_epoch(Bytes body);
    std::optional<std::string> fault_of_block(Bytes body);
    Result<void, Message> obey(std::uint64_t at, ImportReport& report);
    Result<void, Message> submit(const collector::SessionAction& action, ImportReport& report);
    Result<void, Message> make_durable(ImportReport& report);

    collector::Journal& journal_;
    const SpoolOwner& owner_;
    const collector::KeyRing& keys_;
    collector::Shard shard_;
    collector::KnownDevices known_;
    std::map<BlockKeyOf, std::uint64_t> blocks_;  // of the device in the journal, with content tags
    std::optional<collector::Session> session_;
    std::map<EpochName, BlockKey> block_keys_;
    std::vector<std::byte> room_;
    WallUs now_;
    bool closed_ = false;            // the session has ended
    std::size_t pending_bytes_ = 0;  // appended, not yet durable
    std::uint64_t pending_blocks_ = 0;
    std::uint64_t pending_block_bytes_ = 0;
};

}  // namespace longhaul::tools
