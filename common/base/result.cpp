#include "common/base/result.hpp"

namespace longhaul {

const char* name_of(ErrorCode code) {
    switch (code) {
        case ErrorCode::truncated:
            return "truncated";
        case ErrorCode::malformed:
            return "malformed";
        case ErrorCode::unsupported:
            return "unsupported";
        case ErrorCode::too_large:
            return "too large";
        case ErrorCode::corrupt:
            return "corrupt";
        case ErrorCode::full:
            return "full";
        case ErrorCode::not_found:
            return "not found";
        case ErrorCode::exists:
            return "exists";
        case ErrorCode::denied:
            return "denied";
        case ErrorCode::closed:
            return "closed";
        case ErrorCode::unreachable:
            return "unreachable";
        case ErrorCode::io:
            return "input/output error";
        case ErrorCode::out_of_order:
            return "out of order";
    }
    return "unknown error";
}

}  // namespace longhaul
