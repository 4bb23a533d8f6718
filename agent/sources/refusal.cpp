#include "agent/sources/refusal.hpp"

namespace longhaul::agent {

const char* name_of(Refusal reason) {
    switch (reason) {
        case Refusal::empty:
            return "empty";
        case Refusal::malformed:
            return "malformed";
        case Refusal::columns:
            return "columns";
        case Refusal::device:
            return "device";
        case Refusal::time:
            return "time";
        case Refusal::value:
            return "value";
        case Refusal::too_long:
            return "too_long";
        case Refusal::not_nmea:
            return "not_nmea";
        case Refusal::checksum_missing:
            return "checksum_missing";
        case Refusal::checksum_wrong:
            return "checksum_wrong";
    }
    return "unknown";
}

}  // namespace longhaul::agent
