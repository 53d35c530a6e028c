/** libxl's stored configuration of a running domain: JSON with a NUL behind it, defaults left out. */
import type { VmConfig, VmType } from '../../kinds/vm/spec.ts';
import { printed } from './bytes.ts';

export interface StoredConfig {
  readonly name: string | null;
  readonly type: VmType | null;
  readonly maxVcpus: number;
  /** KiB; null: the default. */
  readonly maxMemory: number | null;
  readonly boot: VmConfig['boot'];
  /** Format by vdev. */
  readonly formats: Readonly<Record<string, string>>;
}

type Json = Readonly<Record<string, unknown>>;

const map = (x: unknown): Json => (typeof x === 'object' && x !== null && !Array.isArray(x) ? (x as Json) : {});
const list = (x: unknown): readonly Json[] => (Array.isArray(x) ? x.map(map) : []);
const text = (x: unknown): string | null => (typeof x === 'string' ? x : null);
const number = (x: unknown): number | null => (typeof x === 'number' ? x : null);

const types: Readonly<Record<string, VmType>> = { pv: 'pv', pvh: 'pvh', hvm: 'hvm' };

/** Null where it is no JSON. */
export const parseStored = (bytes: Uint8Array): StoredConfig | null => {
  let json: Json;
  try {
    json = map(JSON.parse(printed(bytes).replace(/\0+$/, '')));
  } catch {
    return null;
  }
  const [create, build] = [map(json['c_info']), map(json['b_info'])];
  const formats: Record<string, string> = {};
  for (const disk of list(json['disks'])) {
    const vdev = text(disk['vdev']);
    if (vdev !== null) formats[vdev] = text(disk['format']) ?? 'raw';
  }
  return {
    name: text(create['name']),
    type: types[text(create['type']) ?? ''] ?? null,
    maxVcpus: number(build['max_vcpus']) ?? 1,
    maxMemory: number(build['max_memkb']),
    boot: { kernel: text(build['kernel']), ramdisk: text(build['ramdisk']), cmdline: text(build['cmdline']) },
    formats,
  };
};
