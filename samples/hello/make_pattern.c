// Writes SIZE bytes of the pattern that the hello guest expects in its initrd to standard output: the 8-byte
// little-endian word at offset o is o xor the bytes "Tintype!".
//
//   make_pattern SIZE
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const unsigned char kPattern[8] = {'T', 'i', 'n', 't', 'y', 'p', 'e', '!'};

int main(int argc, char** argv) {
  char* end = NULL;
  errno = 0;
  const unsigned long long size = argc == 2 ? strtoull(argv[1], &end, 10) : 0;
  if (argc != 2 || end == argv[1] || *end != '\0' || errno != 0) {
    fprintf(stderr, "usage: make_pattern SIZE\n");
    return 2;
  }
  for (uint64_t offset = 0; offset < size; ++offset) {
    const unsigned byte = offset % 8;
    const uint64_t word = offset - byte;
    putchar(kPattern[byte] ^ (unsigned char)(word >> (8 * byte)));
  }
  if (fflush(stdout) != 0 || ferror(stdout)) {
    perror("make_pattern: standard output");
    return 1;
  }
  return 0;
}
