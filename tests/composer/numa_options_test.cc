#include "composer/numa_options.h"

#include "support/test_main.h"

namespace tintype {
namespace {

using Texts = std::vector<std::string>;
using Cpus = std::vector<std::uint32_t>;

NumaOptions parsed(const Texts& nodes, const Texts& distances, std::uint32_t cpus, std::uint64_t memory) {
  const auto options = parse_numa(nodes, distances, cpus, memory);
  REQUIRE_OK(options);
  return *options;
}

std::string refusal(const Texts& nodes, const Texts& distances = {}, std::uint32_t cpus = 4,
                    std::uint64_t memory = 4 * kGiB) {
  const auto options = parse_numa(nodes, distances, cpus, memory);
  return options ? "" : options.error().message();
}

const Texts kTwo = {"cpus=0-1,memory=2G", "cpus=2-3,memory=2G"};

TEST_CASE("no option, no nodes") {
  const NumaOptions none = parsed({}, {}, 4, 4 * kGiB);
  CHECK(none.nodes.empty());
  CHECK(none.distances.empty());
}

TEST_CASE("a node is a list of vCPUs and memory, in any order") {
  const NumaOptions two = parsed({"cpus=0-1,4,memory=1G", "memory=3072M,cpus=5,2-3"}, {}, 6, 4 * kGiB);
  REQUIRE(two.nodes.size() == 2);
  CHECK(two.nodes[0] == NumaNode{.cpus = {0, 1, 4}, .memory = 1 * kGiB});
  CHECK(two.nodes[1] == NumaNode{.cpus = {2, 3, 5}, .memory = 3 * kGiB});
  CHECK(two.distances.empty());
}

TEST_CASE("a node may lack vCPUs or memory") {
  const NumaOptions three = parsed({"memory=1G", "cpus=0-3", "memory=3G"}, {}, 4, 4 * kGiB);
  CHECK(three.nodes[0] == NumaNode{.cpus = {}, .memory = 1 * kGiB});
  CHECK(three.nodes[1] == NumaNode{.cpus = {0, 1, 2, 3}, .memory = 0});
  CHECK(refusal({"cpus=0-3,memory=4G", "memory=0"}) ==
        "--numa 'memory=0': the node has neither vCPUs nor memory: leave it out");
}

TEST_CASE("each vCPU is in one node") {
  CHECK(refusal({"cpus=0-2,memory=2G", "cpus=2-3,memory=2G"}) ==
        "--numa: vCPU 2 is in node 0 and in node 1: take it out of one");
  CHECK(refusal({"cpus=0,memory=2G", "cpus=2,memory=2G"}) ==
        "--numa: of the machine's 4 vCPUs, 1,3 are in no node: add cpus=1,3 to one");
  CHECK(refusal({"cpus=0-2,memory=4G"}) ==
        "--numa: of the machine's 4 vCPUs, 3 is in no node: add cpus=3 to one");
  CHECK(refusal({"cpus=0-2,1,3,memory=4G"}) ==
        "--numa 'cpus=0-2,1,3,memory=4G': vCPU 1 is in the list twice: give it once");
  CHECK(refusal({"cpus=0-4,memory=4G"}) ==
        "--numa 'cpus=0-4,memory=4G': vCPU 4 does not exist, the last one is 3: give --cpus 5 or leave it "
        "out");
  // A range that ends at the highest number there is takes no time and no memory.
  CHECK(refusal({"cpus=0-4294967295,memory=4G"}).find("vCPU 4294967295 does not exist") != std::string::npos);
  CHECK(parsed({"cpus=0-1023,memory=1G"}, {}, 1024, 1 * kGiB).nodes[0].cpus.size() == 1024);
}

TEST_CASE("the nodes' memory is the machine's") {
  CHECK(refusal({"cpus=0-1,memory=2G", "cpus=2-3,memory=1536M"}) ==
        "--numa: the nodes have 3584M of memory, and the machine has 4G: give --memory 3584M, or nodes of 4G "
        "together");
  CHECK(refusal({"cpus=0-3"}) ==
        "--numa: the nodes have no memory, and the machine has 4G: give them memory=4G");
  CHECK(refusal({"cpus=0-3,memory=1T", "memory=4K"}).find("'memory=4K': memory 4K is less than 4M") !=
        std::string::npos);
  CHECK(refusal({"cpus=0-3,memory=1T", "memory=1G"}) ==
        "--numa: the nodes have more memory than a machine can, 1T: give them less");
  CHECK(refusal({"cpus=0-3,memory=16777215T", "memory=16777215T"}).find("more memory than a machine") !=
        std::string::npos);
  CHECK(refusal({"cpus=0-3,memory=4096M"}).empty());
}

TEST_CASE("what is not understood is quoted") {
  CHECK(refusal({"cpu=0-3,memory=4G"}) ==
        "--numa 'cpu=0-3,memory=4G': unknown key 'cpu' (did you mean 'cpus'?): the keys are cpus and memory");
  CHECK(refusal({"cpus=0-3,mem=4G"}).find("unknown key 'mem': the keys are cpus and memory") !=
        std::string::npos);
  CHECK(refusal({"cpus=0-3,cpus=1,memory=4G"}).find("cpus is given twice") != std::string::npos);
  CHECK(refusal({"cpus=0-3,memory=4G,memory=4G"}).find("memory is given twice") != std::string::npos);
  CHECK(refusal({"cpus=3-0,memory=4G"}).find("begins after its end: write 0-3") != std::string::npos);
  CHECK(refusal({"cpus=0-3,memory=4097"}).find("not a multiple of the page size") != std::string::npos);
  CHECK(refusal({"cpus=0-3,memory=four"}).find("'four' is not a size") != std::string::npos);
  // After memory there is no list to continue.
  CHECK(refusal({"cpus=0-2,memory=4G,3"}).find("'3' is no KEY=VALUE") != std::string::npos);
  for (const std::string list :
       {"", "-", "0-", "-3", "a", "0--3", "0-1-2", " 0", "0x1", "4294967296", "0,,1"}) {
    CAPTURE(list);
    CHECK(refusal({"cpus=" + list + ",memory=4G"}).find("is neither a vCPU nor a range") !=
          std::string::npos);
  }
  CHECK(refusal({""}).find("'' is no KEY=VALUE") != std::string::npos);
  CHECK(refusal({"0-3"}).find("'0-3' is no KEY=VALUE") != std::string::npos);
}

TEST_CASE("there are at most 64 nodes") {
  Texts nodes = {"cpus=0-3,memory=4M"};
  while (nodes.size() < 64) nodes.push_back("memory=4M");
  CHECK(parsed(nodes, {}, 4, 256 * kMiB).nodes.size() == 64);
  nodes.push_back("memory=4M");
  CHECK(refusal(nodes, {}, 4, 260 * kMiB) == "65 nodes are more than 64: give fewer --numa");
}

TEST_CASE("a distance holds both ways unless both are given") {
  using Distances = std::vector<std::uint8_t>;
  CHECK(parsed(kTwo, {"0:1=21"}, 4, 4 * kGiB).distances == Distances{10, 21, 21, 10});
  CHECK(parsed(kTwo, {"1:0=21"}, 4, 4 * kGiB).distances == Distances{10, 21, 21, 10});
  CHECK(parsed(kTwo, {"0:1=21", "1:0=31"}, 4, 4 * kGiB).distances == Distances{10, 21, 31, 10});
  CHECK(parsed(kTwo, {"0:0=10", "0:1=254"}, 4, 4 * kGiB).distances == Distances{10, 254, 254, 10});
  const Texts three = {"cpus=0-3,memory=2G", "memory=1G", "memory=1G"};
  CHECK(parsed(three, {"2:0=11"}, 4, 4 * kGiB).distances == Distances{10, 20, 11, 20, 10, 20, 11, 20, 10});
}

TEST_CASE("distances without meaning are refused") {
  const auto distance = [](const std::string& text) { return refusal(kTwo, {text}); };
  CHECK(distance("0:2=20") ==
        "--numa-distance '0:2=20': there is no node 2, the last one is 1: give another --numa, or another "
        "distance");
  CHECK(distance("0:1=10") ==
        "--numa-distance '0:1=10': 10 is no distance of two nodes: give one from 11 to 254 (10 is a node's "
        "from itself)");
  CHECK(distance("0:1=9").find("9 is no distance of two nodes") != std::string::npos);
  CHECK(distance("0:1=255").find("255 is no distance of two nodes") != std::string::npos);
  CHECK(distance("1:1=20") == "--numa-distance '1:1=20': a node is 10 from itself, and not 20: leave it out");
  CHECK(refusal(kTwo, {"0:1=20", "0:1=30"}) ==
        "--numa-distance '0:1=30': node 1 is already 20 from node 0: give one of the two");
  CHECK(refusal({}, {"0:1=20"}) == "--numa-distance without --numa: describe the nodes with --numa");
  for (const std::string text :
       {"", "0", "0:1", "0=1", "0:1:20", ":=", "0:1=", "a:1=20", "0:1=20 ", "=0:1"}) {
    CAPTURE(text);
    CHECK(distance(text).find("not a distance") != std::string::npos);
  }
}

}  // namespace
}  // namespace tintype
