#include "tools/longhaul/device_image.hpp"

#include <arpa/inet.h>

#include <charconv>
#include <optional>
#include <vector>

#include "collector/registry/certificate.hpp"
#include "common/base/crc32c.hpp"
#include "common/block/section_codec.hpp"
#include "common/host/config.hpp"
#include "common/host/files.hpp"

namespace longhaul::tools {
namespace {

constexpr std::size_t flash_bytes = 16 << 20;
constexpr std::size_t block_bytes_max = 2048;
constexpr std::size_t certificate_bytes_max = 768;  // in an epoch's record, and with its issuer
constexpr std::size_t chain_bytes_max = 1000;       // in one record of TLS
constexpr std::size_t seed_bytes = 32;

struct Device {
    std::string environment, tenant, name, server_name, address;
    std::string certificate, key, secret, root, sealing_key;
    std::optional<CodecSet> codecs;
};

// As the agent for Linux reads them; no image has "mixed".
std::optional<CodecSet> read_codecs(ConfigTable block) {
    if (!block.has("codecs")) return std::nullopt;
    CodecSet codecs = 1U << codec_columns;
    for (const std::string& name : block.texts("codecs")) {
        const CodecSet codec = codec_named(name);
        codecs |= codec;
        if (codec == 0 || codec == 1U << codec_mixed) {
            block.problem("codecs",
                          "has \"" + name + "\": an image may have \"zstd\" and \"range\"");
        }
    }
    return codecs;
}

Result<Device, Message> read_config(const std::string& folder) {
    LH_TRY_ASSIGN(ConfigFile file, ConfigFile::read(folder + "/agent.toml"));
    ConfigTable device = file.table("device");
    ConfigTable collector = file.table("collector");
    Device found{device.text("environment"),
                 device.text("tenant"),
                 device.text("name"),
                 collector.text("server_name"),
                 collector.text("address"),
                 device.path("certificate"),
                 device.path("key"),
                 device.path("secret"),
                 device.path("root"),
                 device.path("sealing_key"),
                 read_codecs(file.table("block"))};
    LH_TRY(file.finish(UnknownKeys::ignored));
    return found;
}

class Fields {
 public:
    explicit Fields(MutableBytes room) : out_{room} {}
    void add(std::uint16_t tag, Bytes value) {
        out_.u16(tag);
        out_.u16(static_cast<std::uint16_t>(value.size()));
        out_.bytes(value);
    }
    void add(std::uint16_t tag, const std::string& text) { add(tag, as_bytes(text)); }
    bool ok() const { return out_.ok(); }
    std::size_t size() const { return out_.size(); }

 private:
    ByteWriter out_;
};

// "10.0.2.2:7443": a device resolves no names.
Result<void, Message> add_address(const std::string& text, Fields& fields) {
    const std::size_t colon = text.rfind(':');
    std::array<std::byte, 6> value;
    unsigned port = 0;
    const bool split =
        colon != std::string::npos &&
        std::from_chars(text.data() + colon + 1, text.data() + text.size(), port).ptr ==
            text.data() + text.size();
    if (!split || port == 0 || port > UINT16_MAX ||
        ::inet_pton(AF_INET, text.substr(0, colon).c_str(), value.data()) != 1) {
        return Message{
            text +
            ": is not an IPv4 address with a port, as 10.0.2.2:7443; give one with --collector"};
    }
    ByteWriter out{MutableBytes{value}.subspan(4)};
    out.u16(static_cast<std::uint16_t>(port));
    fields.add(5, value);
    return {};
}

Result<collector::Certificate, Message> read_certificate(const std::string& path) {
    LH_TRY_ASSIGN(std::vector<std::byte> pem, read_file(path));
    pem.push_back({});
    auto certificate = collector::Certificate::parse(pem);
    if (!certificate.ok()) return Message{path + ": " + to_string(certificate.error())};
    return std::move(certificate).value();
}

// The device's certificate and, behind it in the same file, its issuer's.
Result<void, Message> add_certificates(const Device& device, Fields& fields) {
    constexpr std::string_view begin = "-----BEGIN CERTIFICATE-----";
    LH_TRY_ASSIGN(const std::string chain, read_text_file(device.certificate, block_bytes_max * 8));
    const std::size_t second = chain.find(begin, chain.find(begin) + 1);
    if (second == std::string::npos)
        return Message{device.certificate +
                       ": lacks the tenant authority's certificate behind the device's"};
    const std::string behind = chain.substr(second);
    LH_TRY_ASSIGN(const auto own, read_certificate(device.certificate));
    const auto issuer =
        collector::Certificate::parse(Bytes{as_bytes(behind).data(), behind.size() + 1});
    if (!issuer.ok()) return Message{device.certificate + ": " + to_string(issuer.error())};
    LH_TRY_ASSIGN(const auto root, read_certificate(device.root));
    LH_TRY_ASSIGN(const auto sealing, read_certificate(device.sealing_key));
    if (!own.issued_by(root).ok())
        return Message{device.certificate + ": its chain does not end in " + device.root};
    if (!sealing.issued_by(issuer.value()).ok())
        return Message{device.sealing_key + ": is not signed by the authority in " +
                       device.certificate};
    const std::size_t own_bytes = own.der().size();
    const std::size_t chain_bytes = own_bytes + issuer.value().der().size();
    if (own_bytes > certificate_bytes_max || chain_bytes > chain_bytes_max)
        return Message{device.certificate + ": " + std::to_string(own_bytes) + " bytes, " +
                       std::to_string(chain_bytes) +
                       " with its issuer's; a device without an operating system takes " +
                       std::to_string(certificate_bytes_max) + " and " +
                       std::to_string(chain_bytes_max) + ": choose shorter names"};
    const auto point = sealing.public_key();
    if (!point.ok()) return Message{device.sealing_key + ": " + to_string(point.error())};
    fields.add(6, own.der());
    fields.add(7, issuer.value().der());
    fields.add(8, root.der());
    fields.add(11, point.value());
    return {};
}

Result<void, Message> add_secrets(const Device& device, Fields& fields) {
    LH_TRY_ASSIGN(const std::vector<std::byte> pem, read_private_file(device.key));
    LH_TRY_ASSIGN(const std::vector<std::byte> secret, read_private_file(device.secret));
    const auto key = collector::private_key_of(as_text(pem));
    if (!key.ok()) return Message{device.key + ": " + to_string(key.error())};
    std::array<std::byte, seed_bytes> seed;
    if (!random_bytes(seed).ok()) return Message{"no random bytes"};
    fields.add(9, key.value().bytes);
    fields.add(10, secret);
    fields.add(12, seed);
    return {};
}

}  // namespace

Result<void, Message> write_device_image(const ImageRequest& request) {
    constexpr std::size_t head_bytes = 8;
    LH_TRY_ASSIGN(const Device device, read_config(request.device));
    std::vector<std::byte> image(flash_bytes, std::byte{0xff});
    const MutableBytes block = MutableBytes{image}.first(block_bytes_max);
    Fields fields{block.subspan(head_bytes, block_bytes_max - head_bytes - 4)};
    fields.add(1, device.environment);
    fields.add(2, device.tenant);
    fields.add(3, device.name);
    fields.add(4, device.server_name);
    LH_TRY(add_address(request.collector.empty() ? device.address : request.collector, fields));
    LH_TRY(add_certificates(device, fields));
    LH_TRY(add_secrets(device, fields));
    if (device.codecs) fields.add(13, Bytes{{std::byte{*device.codecs}}});
    if (!fields.ok())
        return Message{request.device + ": its certificates do not fit into 2048 bytes"};
    ByteWriter head{block};
    head.text("LHID");
    head.u16(1);
    head.u16(static_cast<std::uint16_t>(fields.size()));
    ByteWriter sum{block.subspan(head_bytes + fields.size(), 4)};
    sum.u32(crc32c(block.first(head_bytes + fields.size())));
    return write_new_file(request.out, image, private_file_mode);
}

}  // namespace longhaul::tools
