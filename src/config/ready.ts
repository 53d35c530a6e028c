/** `ready` and `shutdown`: when a VM counts as up, and how long it may take to go down. */
import { parseDuration } from '../core/quantity.ts';
import type { ReadySpec } from '../kinds/vm/spec.ts';
import { refuse, type Around } from './around.ts';
import { lookUp, placeIn, textAt, type Layer } from './layers.ts';
import type { Problems } from './problem.ts';
import { parseHostPort } from './words.ts';

/** ms. */
const usual = 60_000;
const longest = 3_600_000;

const withinOf = (word: 'ready' | 'shutdown', layers: readonly Layer[], problems: Problems): number | undefined => {
  const within = textAt(layers, word, 'within');
  const time = within && parseDuration(within.value);
  if (!time?.ok) return undefined;
  const ms = time.value;
  refuse(problems, 'a time to wait', within, () =>
    ms < 1 || ms > longest ? 'it must be more than nothing and at most 1h' : null,
  );
  return ms;
};

/** ms. */
export const shutdownOf = (layers: readonly Layer[], { problems }: Around): number | undefined =>
  withinOf('shutdown', layers, problems);

export const readyOf = (key: string, layers: readonly Layer[], around: Around): ReadySpec | undefined => {
  const { problems } = around;
  const whole = lookUp(layers, ['ready']);
  if (!whole) return undefined;
  const tcp = textAt(layers, 'ready', 'tcp');
  const ms = withinOf('ready', layers, problems) ?? usual;
  if (!tcp) {
    // A profile may say how long, and leave it to its VMs what to wait for.
    const own = whole.layer.pointer.startsWith('/vms/');
    const told = layers.some((l) => around.spoiled(l.file, `${l.pointer}/ready/tcp`));
    if (own && !told) {
      problems.add({
        code: 'missing-key',
        message: `ready of ${key} has no "tcp"`,
        at: placeIn(whole, 'key'),
        hint: 'a host:port that answers when it is up, like 10.1.2.3:443',
      });
    }
    return undefined;
  }
  const target = parseHostPort(tcp.value);
  if ('why' in target) {
    refuse(problems, 'a host:port', tcp, () => target.why);
    return undefined;
  }
  const from = textAt(layers, 'ready', 'from')?.value === 'here' ? 'here' : 'dom0';
  return { host: target.host, port: target.port, from, withinMs: ms };
};
