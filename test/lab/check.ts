/** What the scenarios assert again and again: an apply that did it, a farm that is as the file says, a guest's state. */
import { expect } from 'vitest';
import { brokenGuests, hand, until, type Desk, type Ran } from './farm.ts';

/** Everything that was said, so that a failed assertion shows it. */
const said = (ran: Ran): string => `exit ${ran.code}\n${ran.stdout}\n${ran.stderr}`;

/** Runs Reeve and expects this exit code; returns all that it said. */
export const expectCode = async (desk: Desk, code: number, ...args: readonly string[]): Promise<string> => {
  const ran = await desk.reeve(args);
  expect(said(ran)).toMatch(new RegExp(`^exit ${code}\n`));
  return said(ran);
};

export const apply = (desk: Desk, ...args: readonly string[]): Promise<string> =>
  expectCode(desk, 0, 'apply', '--yes', ...args);

/** The plan is empty. Returns what it said, for what still waits. */
export const expectSettled = async (desk: Desk): Promise<string> => {
  const text = await expectCode(desk, 0, 'plan', '--detailed-exitcode');
  expect(text).toContain('Nothing to do');
  return text;
};

/** Without its line breaks: where those fall depends on the length of names. */
export const flat = (text: string): string => text.replaceAll(/\s+/g, ' ');

/** `drift` finds what a hand did; `apply` puts it right; the plan is empty. */
export const expectPutRight = async (desk: Desk, field: RegExp): Promise<void> => {
  const found = await expectCode(desk, 2, 'drift');
  expect(found).toMatch(field);
  expect(found).toMatch(/by hand|from inside the guest/);
  await apply(desk);
  await expectSettled(desk);
};

/** The domid of a running guest, or null. */
export const domidOf = async (i: number, name: string): Promise<number | null> => {
  const text = await hand(i, `xl domid ${name} 2> /dev/null || true`);
  return text === '' ? null : Number(text);
};

/** What the guest's own user land has said on its console since it was first started, a line each time it came up. */
const lives = async (i: number, name: string): Promise<readonly string[]> => {
  // A line is whole once it has its end: it comes letter by letter.
  const text = await hand(i, `grep -ah "guest up:.*$(printf '\\r')" /var/log/xen/console/guest-${name}.log || true`);
  return text === '' ? [] : text.split('\n').map((line) => line.trim());
};

/** Until the guest has come up for the `n`th time: only then does it answer. Returns its last words. */
export const awake = (i: number, name: string, n = 1): Promise<string> =>
  until(
    `${name} comes up`,
    async () => {
      const all = await lives(i, name);
      return all.length >= n ? (all.at(-1) ?? null) : null;
    },
    // HVM boots in one minute where nobody else is at work, and in six where everybody is.
    1000,
  );

/** A scene that ended badly says nothing where the emulation broke a guest meanwhile: it is played again, from its own beginning. */
export const undisturbed = async (scene: () => Promise<void>): Promise<void> => {
  for (let left = 3; ; left--) {
    const before = brokenGuests();
    try {
      return await scene();
    } catch (error) {
      if (left === 1 || brokenGuests() === before) throw error;
    }
  }
};

/** A domain's row of `xl list`: MiB and vCPUs. */
export const shape = async (i: number, name: string): Promise<{ readonly mib: number; readonly vcpus: number }> => {
  const [, , mib, vcpus] = (await hand(i, `xl list ${name} | tail -n 1`)).split(/\s+/);
  return { mib: Number(mib), vcpus: Number(vcpus) };
};

/** The vifs that libxl knows of a domain: bridge by devid. */
export const vifs = async (i: number, name: string): Promise<Readonly<Record<string, string>>> => {
  const text = await hand(
    i,
    `d=$(xl domid ${name}); for v in $(xenstore-list /libxl/$d/device/vif); do echo "$v $(basename "$(readlink /sys/class/net/vif$d.$v/master)")"; done`,
  );
  return Object.fromEntries(
    text
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(' ') as [string, string]),
  );
};

/** The medium in the CD drive hdc of a domain: what QEMU was told, or ''. */
export const medium = async (i: number, name: string): Promise<string> =>
  (await hand(i, `xenstore-read /libxl/$(xl domid ${name})/device/vbd/5632/params`)).replace(/^[a-z]*:/, '');

/** Weight and cap of a domain. */
export const weight = async (i: number, name: string): Promise<string> =>
  hand(i, `xl sched-credit2 -d ${name} | awk 'END { print $(NF - 1), $NF }'`);

/** The hard affinity of each of its vCPUs. */
export const affinity = async (i: number, name: string): Promise<readonly string[]> =>
  (await hand(i, `xl vcpu-list ${name} | awk 'NR > 1 { print $(NF - 2) }'`)).split('\n');

/** The disks of a domain whose backend is connected: image by vdev number. */
export const disks = async (i: number, name: string): Promise<readonly string[]> => {
  const text = await hand(
    i,
    `d=$(xl domid ${name}); for v in $(xenstore-list /libxl/$d/device/vbd 2> /dev/null); do b=/local/domain/0/backend/vbd/$d/$v; [ "$(xenstore-read $b/state)" = 4 ] && xenstore-read $b/dev $b/params | paste -sd' '; done; true`,
  );
  return text.split('\n').filter(Boolean).sort();
};
