// `longhaul-agent enroll`: from a join code to a folder with which `longhaul-agent run` works.
// Specification: docs/spec/enrolment.md.
#pragma once

#include <string>

namespace longhaul::agent {

struct EnrollArguments {
    std::string code;
    std::string folder;
    std::string name;       // empty: the one that the code is for
    std::string address;    // of the enrolment listener; empty: the code's
    std::string collector;  // where the device sends to; empty: as it is told
};
// The exit code. Given again after it was cut short, it goes on with the same key.
int enroll_command(const EnrollArguments& arguments);

}  // namespace longhaul::agent
