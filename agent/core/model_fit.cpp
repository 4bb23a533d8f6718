#include "agent/core/model_fit.hpp"

namespace longhaul::agent {
namespace {

constexpr std::uint16_t compared_min = 4;   // before there is an opinion
constexpr std::uint16_t compared_max = 32;  // then both sums are halved

}  // namespace

void ModelFit::compare(std::size_t with_model, std::size_t with_builtin) {
    if (compared_ == compared_max) {
        compared_ /= 2;
        with_model_ /= 2;
        with_builtin_ /= 2;
    }
    ++compared_;
    with_model_ += static_cast<std::uint32_t>(with_model);
    with_builtin_ += static_cast<std::uint32_t>(with_builtin);
}

bool ModelFit::is_worse() const { return compared_ >= compared_min && with_model_ > with_builtin_; }

}  // namespace longhaul::agent
