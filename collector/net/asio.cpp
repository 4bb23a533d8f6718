// Boost.Asio, compiled once: BOOST_ASIO_SEPARATE_COMPILATION is set for everything that links this.
#include <boost/asio/impl/src.hpp>
