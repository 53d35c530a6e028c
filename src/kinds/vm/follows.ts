/** Whether a guest follows what it was told: the hypervisor's own count of vCPUs and memory is the truth, the wish in xenstore is not. */
import type { Domain } from './live.ts';

/** How far a guest's memory may be from its balloon's target: 1 MiB and 1 %, in KiB. */
const slack = (kib: number): number => 1024 + kib / 100;

/** What a guest's balloon leaves out: the target holds the video RAM, and QEMU's usual cards have up to 16 MiB (in KiB). */
const videoOf = (d: Domain): number => (d.type === 'hvm' ? 16 * 1024 : 0);

/** Whether the hypervisor counts so much memory for it, within what no balloon reaches exactly. KiB. */
export const hasMemory = (d: Domain, kib: number): boolean =>
  d.memory.actual - kib <= slack(kib) && kib - d.memory.actual <= slack(kib) + videoOf(d);

/** What it has, as a cfg would say it: its target where it has reached that, else what the hypervisor counts. KiB. */
export const memoryNow = (d: Domain): number => (hasMemory(d, d.memory.target) ? d.memory.target : d.memory.actual);

/**
 * Whether the guest can be held to what it was told: it is up. One that still boots, or stands still, has not had its say; its
 * drivers speak and its vifs connect after its vCPUs and its memory have come.
 */
const answers = (d: Domain): boolean =>
  d.state === 'running' && (d.pvDrivers !== undefined || d.nics.some((n) => n.state === 4));

/** How many vCPUs it was told to run. */
export const vcpusAsked = (d: Domain): number => d.vcpusAsked ?? d.vcpus.online;

/** How many vCPUs it runs: the hypervisor's count, or what it is to come to while it boots. */
export const vcpusOf = (d: Domain): number => (answers(d) ? d.vcpus.online : vcpusAsked(d));

/**
 * How much memory it has beside what it is to have, in KiB: what it was told where that is another amount, else the
 * hypervisor's count. One that boots is believed to come to what it was told.
 */
export const memoryOf = (d: Domain, kib: number): number =>
  d.memory.target === kib && answers(d) ? memoryNow(d) : d.memory.target;

/** Whether it was told to run so many vCPUs and does not: to tell it again changes nothing. */
export const ignores = (d: Domain, count: number): boolean =>
  answers(d) && vcpusAsked(d) === count && d.vcpus.online !== count;

/** Whether it may be on its way to what it was told: it takes a guest a moment to follow. */
export const follows = (d: Domain): boolean =>
  answers(d) && (vcpusAsked(d) !== d.vcpus.online || !hasMemory(d, d.memory.target));
