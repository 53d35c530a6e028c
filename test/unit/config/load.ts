/** A farm from texts, for the tests of what a file becomes. */
import { loadFarm, type Loaded } from '../../../src/config/index.ts';
import type { VmSpec } from '../../../src/kinds/vm/spec.ts';
import { renderDiagnostics } from '../../../src/report/diagnostics.ts';
import { memoryIo } from './memory-io.ts';

type Ok = Extract<Loaded, { ok: true }>;

export const load = async (
  files: string | Readonly<Record<string, string>>,
  paths: readonly string[] = [],
): Promise<Ok> => {
  const loaded = await loadFarm(paths, memoryIo(typeof files === 'string' ? { 'farm.yaml': files } : files));
  if (!loaded.ok) throw new Error(renderDiagnostics(loaded.diagnostics, { color: false }));
  return loaded;
};

export const home = `farm: home
servers: { xen: { address: xen.lan } }
networks: { lan: { bridge: xenbr0 }, wan: { bridge: xenbr1 } }
`;

/** One VM of `home`. */
export const vmOf = async (text: string, key = 'web'): Promise<VmSpec> => {
  const { farm } = await load(home + text);
  const vm = farm.vms.find((v) => v.key === key);
  if (!vm) throw new Error(`no ${key}`);
  return vm;
};

/** The codes of what is wrong with `home` and this text. */
export const codesOf = async (text: string): Promise<readonly string[]> => {
  const loaded = await loadFarm([], memoryIo({ 'farm.yaml': home + text }));
  return (loaded.ok ? loaded.warnings : loaded.diagnostics).map((d) => d.code);
};
