// The bundled recordings in the forms that other programs read, on the standard output.
#pragma once

namespace longhaul {
class Recording;
}

namespace longhaul::bench {

// JSON: the schema, then the test runs one after the other, each behind a line with its length.
void print_samples(const Recording& recording);

// C++: the first samples of those recordings that are mostly numbers. Returns the exit code.
int print_arm();

}  // namespace longhaul::bench
