#include "formats/digest.h"

#include "support/test_main.h"

namespace tintype {
namespace {

// FIPS 180-4's examples, as published with it (NIST, "SHA-256 examples").
TEST_CASE("SHA-256 of the published examples") {
  CHECK(to_hex(sha256({})) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256(bytes_of("abc"))) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("a stream hashes as if its pieces were one") {
  Sha256Stream stream;
  stream.update(bytes_of("a"));
  stream.update({});
  stream.update(bytes_of("bc"));
  CHECK(stream.finish() == sha256(bytes_of("abc")));
}

}  // namespace
}  // namespace tintype
