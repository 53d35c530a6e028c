/** `xl vcpu-list` and `xl sched-credit2` (or `sched-credit`): how the hypervisor runs each domain just now. */
import { together } from '../../../kinds/vm/cpus.ts';
import type { Settings } from '../../../kinds/vm/spec.ts';

type Running = Pick<Settings, 'sched.weight' | 'sched.cap' | 'affinity.hard' | 'affinity.soft'>;

const vcpuRow = /\s(\d+)\s+(\d+)\s+(?:-|\d+)\s+\S{3}\s+[\d.]+\s+(\S+) \/ (\S+)\s*$/;
const schedRow = /\s(\d+)\s+(\d+)\s+(\d+)\s*$/;

/** By domid. Rows are read from the right, since names may hold anything; what is no row says nothing. */
export const parseRunning = (vcpus: string, scheds: readonly string[]): ReadonlyMap<number, Running> => {
  const found = new Map<number, Running>();
  const hard = new Map<number, string[]>();
  const soft = new Map<number, string[]>();
  const push = (to: Map<number, string[]>, domid: number, set: string): void => {
    const sets = to.get(domid);
    if (sets) sets.push(set);
    else to.set(domid, [set]);
  };
  for (const line of vcpus.split('\n')) {
    const m = vcpuRow.exec(line);
    if (m?.[3] === undefined || m[4] === undefined) continue;
    push(hard, Number(m[1]), m[3]);
    push(soft, Number(m[1]), m[4]);
  }
  for (const [domid, sets] of hard)
    found.set(domid, { 'affinity.hard': together(sets), 'affinity.soft': together(soft.get(domid) ?? []) });
  for (const line of scheds.flatMap((text) => text.split('\n'))) {
    const m = schedRow.exec(line);
    if (!m) continue;
    const domid = Number(m[1]);
    found.set(domid, { ...found.get(domid), 'sched.weight': Number(m[2]), 'sched.cap': Number(m[3]) });
  }
  return found;
};
