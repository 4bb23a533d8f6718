// Boost.JSON's code, where Debian has no library of it for the machine of the toolchain file.
#include <boost/json/src.hpp>
