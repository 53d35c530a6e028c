/** Which CPU features a VM may count on, and which of them another server lacks: one that loses a feature while it runs may crash. */
import { andMore } from '../../core/listing.ts';
import type { VmTransition } from './draft.ts';
import type { CfgSetting } from './spec.ts';

const none: readonly string[] = [];

/** The `cpuid` that the domain was started with: its cfg's, where that does not wait for a restart. */
export const runningCpuid = ({ live, life }: VmTransition): readonly CfgSetting[] => {
  const wait = live?.marker?.waits?.['xl.cpuid'];
  if (wait?.domain === life) return typeof wait.was === 'string' ? [{ key: 'cpuid', value: wait.was }] : [];
  return (live?.record?.config?.extra ?? []).filter((x) => x.key === 'cpuid');
};

/** What that takes away, in libxl's form: `cpuid = "host,avx2=0"`. */
export const maskedBy = (extra: readonly CfgSetting[]): readonly string[] => {
  const value = extra.find((x) => x.key === 'cpuid')?.value;
  if (typeof value !== 'string' || !/^host(?:,|$)/.test(value)) return none;
  return value.split(',').flatMap((word) => /^([\w.-]+)=0$/.exec(word)?.[1] ?? []);
};

/** What one CPU has and another lacks; of a server that did not tell, nothing is known to be missing. */
export const featuresLost = (
  from: readonly string[] | undefined,
  to: readonly string[] | undefined,
  masked: readonly string[] = none,
): readonly string[] => {
  if (!from || !to) return none;
  const there = new Set([...to, ...masked]);
  return from.filter((f) => !there.has(f));
};

/** As a sentence lists them. */
export const featureText = (features: readonly string[]): string => andMore(features, 6);
