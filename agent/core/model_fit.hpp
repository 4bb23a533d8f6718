// Whether a stream's model still fits what it measures: now and then a section is also coded with
// the built-in model, and the sizes are compared. What was measured long ago counts less and less.
#pragma once

#include <cstddef>
#include <cstdint>

namespace longhaul::agent {

class ModelFit {
 public:
    static constexpr std::uint16_t sections_apart = 16;  // costs a sixteenth of the coding

    // Of each section: whether it is to be compared, beginning with the first.
    bool due() { return sections_++ % sections_apart == 0; }
    // Bytes of the same section.
    void compare(std::size_t with_model, std::size_t with_builtin);
    // The model makes sections larger than the built-in one does, over several of them.
    bool is_worse() const;

 private:
    std::uint16_t sections_ = 0;
    std::uint16_t compared_ = 0;
    std::uint32_t with_model_ = 0;
    std::uint32_t with_builtin_ = 0;
};

}  // namespace longhaul::agent
