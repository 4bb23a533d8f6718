// Bounds of every format, checked before use by both sides. Sizes in bytes.
#pragma once

#include <cstddef>

namespace longhaul::limits {

inline constexpr std::size_t name_bytes_max = 48;  // schema, field, stream, tenant, device
inline constexpr std::size_t unit_bytes_max = 32;
inline constexpr std::size_t help_bytes_max = 255;
inline constexpr std::size_t labels_bytes_max = 1024;  // all labels of one enumeration
inline constexpr std::size_t schema_fields_max = 64;
inline constexpr std::size_t schema_bytes_max = 8192;  // canonical encoding
inline constexpr std::size_t decimal_scale_max = 15;   // 10^15 < 2^53

inline constexpr std::size_t streams_max = 32;       // of an epoch; stream 0 is the system's
inline constexpr std::size_t text_bytes_max = 1024;  // one text or bytes value
inline constexpr std::size_t section_samples_max = 256;
inline constexpr std::size_t section_plain_bytes_max = 65536;  // what zstd may have compressed
inline constexpr std::size_t section_header_bytes_max = 7;     // u8, u8, varints of 2 and 3 bytes
inline constexpr std::size_t block_samples_max = 4096;         // all sections of a block
inline constexpr std::size_t block_body_bytes_max = 16384;
inline constexpr std::size_t model_bytes_max = 16384;

inline constexpr std::size_t epoch_record_bytes_max = 3072;         // what the device signs
inline constexpr std::size_t certificate_bytes_max = 2048;          // DER
inline constexpr std::size_t sealing_certificate_bytes_max = 1024;  // the same, of a sealing key
inline constexpr std::size_t certificate_chain_bytes_max = 3 * certificate_bytes_max;
inline constexpr std::size_t certificate_request_bytes_max = 1024;  // PKCS#10, DER
inline constexpr std::size_t ack_ranges_max = 64;                   // of one Ack
inline constexpr std::size_t known_epochs_max = 16;                 // ranges of one Welcome
inline constexpr std::size_t model_offers_max = 16;                 // of one Welcome

}  // namespace longhaul::limits
