// What reading an IGVM file costs at least: a bare C program that maps it, checks the fixed header and the
// CRC-32 and walks all variable headers. Prints how many there are and the microseconds that took, process
// start not counted.
//
//   igvm_walk FILE
//
// Source: the `igvm_defs` crate. Format version 1.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { kMagic = 0x4D564749, kFixedSize = 24, kHeadSize = 8, kPageData = 0x302, kPageDataSize = 24 };

struct fixed_header {
  uint32_t magic, format_version, variable_header_offset, variable_header_size, total_file_size, checksum;
};

struct page_data {
  uint64_t gpa;
  uint32_t compatibility_mask, file_offset, flags;
  uint16_t data_type, reserved;
};

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

static int refuse(const char* why) {
  fprintf(stderr, "igvm_walk: %s\n", why);
  return 1;
}

static uint32_t checksum(const uint8_t* file, struct fixed_header fixed) {
  fixed.checksum = 0;
  const uLong sum = crc32(0, (const Bytef*)&fixed, kFixedSize);
  return (uint32_t)crc32(sum, file + fixed.variable_header_offset, fixed.variable_header_size);
}

// Number of headers, or -1. Page data must be aligned and inside the file.
static long walk(const uint8_t* file, const struct fixed_header* fixed) {
  long count = 0;
  const uint64_t end = (uint64_t)fixed->variable_header_offset + fixed->variable_header_size;
  for (uint64_t at = fixed->variable_header_offset; at < end; ++count) {
    uint32_t type, length;
    if (end - at < kHeadSize) return -1;
    memcpy(&type, file + at, sizeof(type));
    memcpy(&length, file + at + 4, sizeof(length));
    if (length > end - at - kHeadSize) return -1;
    if (type == kPageData) {
      struct page_data page;
      if (length != kPageDataSize) return -1;
      memcpy(&page, file + at + kHeadSize, sizeof(page));
      if (page.gpa % 4096 != 0 || page.file_offset > fixed->total_file_size - 4096) return -1;
    }
    at += kHeadSize + (((uint64_t)length + 7) & ~(uint64_t)7);
  }
  return count;
}

int main(int argc, char** argv) {
  if (argc != 2) {
    fprintf(stderr, "usage: igvm_walk FILE\n");
    return 2;
  }
  const double start = now();
  const int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0 || status.st_size < 4096) return refuse("the file cannot be read");
  const uint64_t size = (uint64_t)status.st_size;
  const uint8_t* file = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (file == MAP_FAILED) return refuse("the file cannot be mapped");
  struct fixed_header fixed;
  memcpy(&fixed, file, sizeof(fixed));
  if (fixed.magic != kMagic || fixed.format_version != 1 || fixed.total_file_size != size ||
      fixed.variable_header_offset < kFixedSize || fixed.variable_header_offset > size ||
      fixed.variable_header_size > size - fixed.variable_header_offset)
    return refuse("the fixed header is wrong");
  if (checksum(file, fixed) != fixed.checksum) return refuse("the checksum is wrong");
  const long count = walk(file, &fixed);
  if (count < 0) return refuse("a variable header is wrong");
  printf("%ld headers in %.0f us\n", count, now() - start);
  return 0;
}
