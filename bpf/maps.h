/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every map, pinned by the loader under its own name. The sizes that depend on the host (how many HAVIPs, how many
 * ports) are 1 here and set before the load. The binding table is in table.h. Each object file declares all of them: the
 * command's is loaded first and makes them, the entries' take those. */
#ifndef HAVIP_MAPS_H
#define HAVIP_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "announce.h"

/* A constant for the verifier, so that nobody has to look it up. */
const volatile struct havip_sizes sizes = { 1, 1 };

#define HAVIP_MAP(NAME, TYPE, KEY, VALUE, ENTRIES, FLAGS)                                                          \
	struct {                                                                                                   \
		__uint(type, TYPE);                                                                                \
		__uint(max_entries, ENTRIES);                                                                      \
		__uint(map_flags, FLAGS);                                                                          \
		__type(key, KEY);                                                                                  \
		__type(value, VALUE);                                                                              \
	} NAME SEC(".maps")

/* ifindex -> the port that a frame came in by */
HAVIP_MAP(ports, BPF_MAP_TYPE_HASH, __u32, struct havip_port, 1, 0);

/* ifindex modulo HAVIP_NEAR_PORTS -> that port, where it is the same: no packet has to wait for a hash then. Of a row that
 * is written meanwhile, readers may see old and new fields: each is true of the port before or after */
HAVIP_MAP(near_ports, BPF_MAP_TYPE_ARRAY, __u32, struct havip_near_port, HAVIP_NEAR_PORTS, 0);

/* port slot -> how to deliver there */
HAVIP_MAP(targets, BPF_MAP_TYPE_ARRAY, __u32, struct havip_target, 1, 0);

/* port slot -> its device, for redirects from XDP */
HAVIP_MAP(redirects, BPF_MAP_TYPE_DEVMAP, __u32, __u32, 1, 0);

/* subnet index -> its names, for people */
HAVIP_MAP(subnets, BPF_MAP_TYPE_ARRAY, __u32, struct havip_subnet, 1, 0);

/* bridge and tag stack -> which subnet; untagged ones are in `ports` too */
HAVIP_MAP(domains, BPF_MAP_TYPE_HASH, struct havip_domain, struct havip_place, 1, 0);

/* EIP -> the HAVIP behind it */
HAVIP_MAP(eips, BPF_MAP_TYPE_HASH, struct havip_eip_key, struct havip_eip, 1, BPF_F_NO_PREALLOC);

/* HAVIP -> the EIP in front of it */
HAVIP_MAP(publics, BPF_MAP_TYPE_HASH, struct havip_key, struct havip_public, 1, BPF_F_NO_PREALLOC);

/* (network, block) of addresses that have no need to leave */
HAVIP_MAP(insides, BPF_MAP_TYPE_LPM_TRIE, struct havip_inside, __u8, 1, BPF_F_NO_PREALLOC);

/* flow of a HAVIP -> its EIP, where that is not plain; the oldest make room */
HAVIP_MAP(flows, BPF_MAP_TYPE_LRU_HASH, struct havip_flow_key, struct havip_flow, HAVIP_FLOWS, 0);

/* next hop -> the gateway behind which its MAC is not known: XDP cannot ask for it, the loader does */
HAVIP_MAP(unresolved, BPF_MAP_TYPE_LRU_HASH, struct havip_eip_key, __u32, HAVIP_UNRESOLVED, 0);

/* HAVIP index -> what the operator wants */
HAVIP_MAP(havips, BPF_MAP_TYPE_ARRAY, __u32, struct havip_policy, 1, 0);

/* (HAVIP, port slot) that may claim, where the HAVIP is not open */
HAVIP_MAP(members, BPF_MAP_TYPE_HASH, struct havip_member, __u8, 1, BPF_F_NO_PREALLOC);

/* HAVIP index -> what the programs remember of it; never written by bpf(2), which would stop its timer */
HAVIP_MAP(states, BPF_MAP_TYPE_ARRAY, __u32, struct havip_state, 1, 0);

/* (HAVIP, port slot) -> that port's newest claim: the truth that the ring only points to */
HAVIP_MAP(claims, BPF_MAP_TYPE_HASH, struct havip_claim_key, struct havip_claim, 1, BPF_F_NO_PREALLOC);

/* (HAVIP, port slot, why) -> how often refused; the oldest make room */
HAVIP_MAP(refusals, BPF_MAP_TYPE_LRU_HASH, struct havip_refusal_key, struct havip_refusal, 1, 0);

/* port slot -> the vNIC's own MAC, where it is pinned: its first sender's (port 1: known, 0: not yet) */
HAVIP_MAP(own_macs, BPF_MAP_TYPE_ARRAY, __u32, struct havip_holder, 1, 0);

/* (HAVIP, port slot) -> that port's last VRRP advert; the oldest make room, as in the next two */
HAVIP_MAP(adverts, BPF_MAP_TYPE_LRU_HASH, struct havip_claim_key, struct havip_advert, 1, 0);

/* (HAVIP, port slot) -> uses of the address that claim nothing */
HAVIP_MAP(speakers, BPF_MAP_TYPE_LRU_HASH, struct havip_claim_key, struct havip_speaker, 1, 0);

/* (subnet, MAC) -> the port at which that MAC was last bound */
HAVIP_MAP(stationed, BPF_MAP_TYPE_LRU_HASH, struct havip_station_key, struct havip_stationed, 1, 0);

/* (subnet, MAC) -> the vNIC that its ARP or ND last came in by, on bridges with an uplink; the oldest make room */
HAVIP_MAP(guests, BPF_MAP_TYPE_LRU_HASH, struct havip_station_key, struct havip_guest, 1, 0);

/* hash of (sender, port) -> when one of its frames last crossed the bridge */
HAVIP_MAP(stations, BPF_MAP_TYPE_ARRAY, __u32, struct havip_station, HAVIP_STATIONS, 0);

/* HAVIP index -> when its holders were last and first seen */
HAVIP_MAP(sightings, BPF_MAP_TYPE_ARRAY, __u32, struct havip_sightings, 1, 0);

/* CPU by CPU, HAVIP index -> traffic delivered to its holders. A per-CPU array would have a packet look for its place
 * first, in a line that is cold where there are many HAVIPs. Readers map it; and it begins with a page, so that a row is
 * one cache line */
HAVIP_MAP(havip_counters, BPF_MAP_TYPE_ARRAY, __u32, struct havip_traffic, 1, BPF_F_MMAPABLE);

/* 0 -> time stamps that this CPU may still take */
HAVIP_MAP(stamps, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct havip_stamps, 1, 0);

/* port slot -> frames by reason */
HAVIP_MAP(port_counters, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct havip_port_counters, 1, 0);

/* port slot -> announcements by kind and result */
HAVIP_MAP(claim_counters, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct havip_claim_counters, 1, 0);

/* 0 -> what the last question found out (`havip trace`) */
HAVIP_MAP(traces, BPF_MAP_TYPE_ARRAY, __u32, struct havip_trace, 1, 0);

/* 0 -> what could not be recorded */
HAVIP_MAP(losses, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct havip_losses, 1, 0);

/* An advert, and the address in it whose turn it is. */
struct heard_advert {
	struct havip_key key;
	struct advert advert;
	struct havip_port in;
	struct havip_holder by;
};

/* A packet that may say something. */
struct heard_packet {
	__u32 at;    /* of its IP header in the frame */
	__u32 there; /* bytes from there on */
	int ipv6;
	__u8 source[6]; /* MAC */
	__u16 reserved;
};

/* The first bytes of an Ethernet frame. */
struct macs {
	__u8 destination[6];
	__u8 source[6];
};

/* What is too large for a stack of 512 bytes, and what one function verified alone leaves for another. */
struct workspace {
	struct heard_packet packet;
	struct upper upper; /* of that, for whoever answers it */
	struct scratch message;
	struct heard_advert advert;
	struct announcement said;
	struct macs macs;
	struct arp_ipv4 arp;
	struct havip_record record;
};

/* 0 -> this CPU's */
HAVIP_MAP(workspaces, BPF_MAP_TYPE_PERCPU_ARRAY, __u32, struct workspace, 1, 0);

/* the doorbell: struct havip_record records */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, HAVIP_RING_BYTES);
} events SEC(".maps");

#endif
