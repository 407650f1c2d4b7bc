// SPDX-License-Identifier: BSD-2-Clause
// The parsers of bpf/ as user-space code under libFuzzer and sanitizers: no byte is read that is not there, and what
// they accept as an announcement is one by RFC 4861 and RFC 5227, as checked here by other code than theirs.
//
//   make fuzz [FUZZ_SECONDS=30]      input: one byte of choices, then a frame
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../bpf/announce.h"

#define FIX_CHECKSUM 1 // otherwise hardly an advertisement would get past it
#define OWN_MAC 2      // the frame's source becomes what the option or the sender field says

static void must(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken: %s\n", what);
	abort();
}

static int is_station(const uint8_t *mac)
{
	static const uint8_t zero[6];

	return !(mac[0] & 1) && memcmp(mac, zero, 6) != 0;
}

static int is_virtual_router(const uint8_t *mac, uint8_t family)
{
	const uint8_t prefix[] = { 0, 0, 0x5e, 0, family };

	return memcmp(mac, prefix, sizeof(prefix)) == 0;
}

// RFC 1071, a byte at a time.
static uint16_t checksum_of(const uint8_t *ip, uint32_t at, uint32_t end)
{
	uint32_t sum = (end - at) + 58;

	for (uint32_t i = 8; i < 40; i++)
		sum += i % 2 ? ip[i] : ip[i] << 8;
	for (uint32_t i = at; i < end; i++)
		sum += (i - at) % 2 ? ip[i] : ip[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void check_arp(const struct announcement *said, const uint8_t *frame, const uint8_t *arp)
{
	static const uint8_t types[] = { 0, 1, 8, 0, 6, 4, 0 };

	if (said->fault != HAVIP_RESULT_CLAIM || said->kind == HAVIP_CLAIM_ARP_PROBE)
		return;
	must(memcmp(arp, types, sizeof(types)) == 0 && (arp[7] == 1 || arp[7] == 2), "types and operation");
	must(is_station(arp + 8), "the sender is one station");
	must(memcmp(arp + 8, frame + 6, 6) == 0 || is_virtual_router(arp + 8, 1), "the sender sent it");
	must(memcmp(said->mac, arp + 8, 6) == 0, "the MAC is the sender's");
	must(memcmp(said->address + 12, arp + 14, 4) == 0, "the address is the sender's");
	if (said->kind == HAVIP_CLAIM_ARP_REQUEST)
		must(arp[7] == 1 && memcmp(arp + 14, arp + 24, 4) == 0, "a request for one's own address");
	if (said->kind == HAVIP_CLAIM_ARP_REPLY)
		must(arp[7] == 2 && memcmp(frame, "\xff\xff\xff\xff\xff\xff", 6) == 0, "a reply to everybody");
}

static void check_advertisement(const struct announcement *said, const struct upper *up, const uint8_t *source,
				const uint8_t *ip, uint32_t there)
{
	const uint8_t *message = ip + up->at;
	int option = 0;

	if (said->fault != HAVIP_RESULT_CLAIM || said->kind == HAVIP_CLAIM_ND_PROBE)
		return;
	must(up->end <= there && up->end >= up->at + 24, "the message is there");
	must(ip[7] == 255, "hop limit");
	must(message[0] == 136 && message[1] == 0, "type and code");
	must(checksum_of(ip, up->at, up->end) == 0xffff, "checksum");
	must(!(ip[24] == 0xff && message[4] & 0x40), "not solicited by everybody");
	for (uint32_t at = up->at + 24; at < up->end; at += ip[at + 1] * 8u) {
		must(at + 8 <= up->end && ip[at + 1] && at + ip[at + 1] * 8u <= up->end, "options end with the message");
		if (ip[at] != 2)
			continue;
		must(ip[at + 1] == 1, "an option of one unit");
		if (!option)
			must(memcmp(said->mac, ip + at + 2, 6) == 0, "the MAC is the first option's");
		option = 1;
	}
	must(is_station(said->mac), "the target is one station");
	must(memcmp(said->mac, source, 6) == 0 || is_virtual_router(said->mac, 2), "the target sent it");
	must(memcmp(said->address, message + 8, 16) == 0, "the address is the target");
	if (said->kind == HAVIP_CLAIM_NA)
		must(ip[24] == 0xff && message[4] & 0x20 && option, "to everybody, Override, with the option");
}

static void read_message(uint8_t choices, const uint8_t *source, const uint8_t *ip, uint32_t there, int version)
{
	// Exactly as long as what is copied, so that a sanitizer sees what reads on; the rest as the verifier wants it.
	uint32_t copied = there > HAVIP_MESSAGE_BYTES ? HAVIP_MESSAGE_BYTES : there;
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	struct announcement said = { 0 };
	struct upper up = { .there = there };
	struct advert advert;
	uint8_t *tight = malloc(copied);
	enum parsed parsed;

	memcpy(scratch->bytes, ip, copied);
	memcpy(tight, ip, copied);
	parsed = version == 6 ? upper_of_ipv6((const struct scratch *)tight, copied, &up) : upper_of_ipv4(tight, copied, &up);
	if (parsed == PARSED && up.protocol == PROTOCOL_VRRP && advert_read(tight, copied, &up, &advert) == PARSED) {
		must(advert.stop <= copied && advert.addresses <= advert.stop, "the addresses are there");
		must(tight[version == 6 ? 7 : 8] == 255, "hop limit of an advert");
	}
	if (parsed == PARSED && version == 6 && up.protocol == NEXT_ICMPV6) {
		if (choices & FIX_CHECKSUM && up.at + 24 <= up.end && up.end <= copied) {
			scratch->bytes[up.at + 2] = scratch->bytes[up.at + 3] = 0;
			uint16_t sum = ~checksum_of(scratch->bytes, up.at, up.end);
			scratch->bytes[up.at + 2] = sum >> 8;
			scratch->bytes[up.at + 3] = sum;
			memcpy(tight, scratch->bytes, copied);
		}
		if (choices & OWN_MAC && up.at + 32 <= copied)
			source = tight + up.at + 26;
		if (announcement_from_nd(scratch, copied, &up, source, &said) == PARSED)
			check_advertisement(&said, &up, source, tight, there);
	}
	free(tight);
	free(scratch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct announcement said = { 0 };
	struct packet packet = { 0 };
	uint8_t mac[6], *frame;

	if (size < 1 || size > 4096)
		return 0;
	frame = malloc(size - 1);
	memcpy(frame, data + 1, size - 1);
	packet = (struct packet){ .data = frame, .end = frame + size - 1 };
	if (parse_ethernet(&packet) != PARSED)
		goto end;
	must(packet.inner == 0 || packet.outer != 0, "no inner tag without an outer one");
	uint32_t at = (uint8_t *)packet.network - frame, there = size - 1 - at;
	if (packet.protocol == bpf_htons(ETH_P_ARP)) {
		if (data[0] & OWN_MAC && there >= sizeof(struct arp_ipv4))
			memcpy(frame + 6, frame + at + 8, 6);
		if (announcement_from_arp(&packet, &said) == PARSED)
			check_arp(&said, frame, frame + at);
	} else if (packet.protocol == bpf_htons(ETH_P_RARP)) {
		if (station_from_rarp(&packet, mac) == PARSED)
			must(is_station(mac) && memcmp(mac, frame + 6, 6) == 0, "a station speaks of itself");
	} else if (packet.protocol == bpf_htons(ETH_P_IPV6)) {
		read_message(data[0], frame + 6, frame + at, there, 6);
	} else if (packet.protocol == bpf_htons(ETH_P_IP)) {
		read_message(data[0], frame + 6, frame + at, there, 4);
	}
end:
	free(frame);
	return 0;
}
