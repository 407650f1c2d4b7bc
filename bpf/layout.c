/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Names each shared type once, so that all of them are in one BTF for the generator of layout.gen.ts: a program's
 * own BTF leaves out what it only reaches through a pointer. Never loaded. */
#include "havip.h"

enum havip_limits limits;
enum havip_port_kind port_kind;
enum havip_policy_flags policy_flags;
enum havip_port_flags port_flags;
enum havip_target_flags target_flags;
enum havip_claim_kind claim_kind;
enum havip_claim_result claim_result;
enum havip_reason reason;
enum havip_cause cause;
enum havip_public_flags public_flags;
enum havip_command_op command_op;
struct havip_holder holder;
struct havip_key key;
struct havip_binding binding;
struct havip_sizes sizes;
struct havip_bucket bucket;
struct havip_policy policy;
struct havip_member member;
struct havip_port port;
struct havip_near_port near_port;
struct havip_target target;
struct havip_domain domain;
struct havip_place place;
struct havip_subnet subnet;
struct havip_eip_key eip_key;
struct havip_eip eip;
struct havip_public public;
struct havip_inside inside;
struct havip_flow_key flow_key;
struct havip_flow flow;
struct havip_claim claim;
struct havip_claim_key claim_key;
struct havip_record record;
struct havip_refusal_key refusal_key;
struct havip_refusal refusal;
struct havip_state state;
struct havip_advert advert;
struct havip_speaker speaker;
struct havip_station_key station_key;
struct havip_stationed stationed;
struct havip_command command;
struct havip_guest guest;
struct havip_trace trace;
struct havip_station station;
struct havip_tenure tenure;
struct havip_sightings sightings;
struct havip_stamps stamps;
struct havip_traffic traffic;
struct havip_port_counters port_counters;
struct havip_claim_counters claim_counters;
struct havip_losses losses;
