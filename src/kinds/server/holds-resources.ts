/** Whether a running domain has the memory and the vCPUs that it was told to have, as the hypervisor counts them, and where it has not, why. */
import { formatSize } from '../../core/quantity.ts';
import type { Condition } from '../../core/step.ts';
import { hasMemory, vcpusAsked } from '../vm/follows.ts';
import type { Domain } from '../vm/live.ts';
import { called } from './holds-devices.ts';

type Of<Is extends Condition['is']> = Extract<Condition, { readonly is: Is }>;

/** A paused guest cannot follow before it goes on: of that one, only what it was told is looked at. */
export const tookMemory = ({ kib }: Of<'memory'>, d: Domain): true | string => {
  const { target, actual } = d.memory;
  if (target !== kib) return `the memory target of ${called(d)} is ${formatSize(target)}, not ${formatSize(kib)}`;
  if (d.state === 'paused' || hasMemory(d, kib)) return true;
  return `${called(d)} has ${formatSize(actual)} of memory; its target is ${formatSize(kib)} (does its balloon driver run?)`;
};

export const runsVcpus = ({ online }: Of<'vcpus'>, d: Domain): true | string => {
  const asked = vcpusAsked(d);
  const runs = d.vcpus.online;
  if (d.state === 'paused' ? asked === online : runs === online) return true;
  if (d.state === 'paused') return `${called(d)} is paused, and is to run ${asked} vCPUs, not ${online}`;
  if (asked !== online) return `${called(d)} has ${runs} vCPUs online, not ${online}`;
  const guest = runs > online ? 'does its kernel unplug vCPUs?' : 'does its kernel start what is plugged?';
  return `${called(d)} runs ${runs} vCPUs; it was told to run ${online} (${guest})`;
};
