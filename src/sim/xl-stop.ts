/** `xl shutdown`, `reboot` and `destroy`. */
import { gone } from './build-errors.ts';
import { end, hasDrivers, pressPower, takeDown, wake } from './lives.ts';
import { failed, fine, said, type Result, type Running } from './process.ts';
import { draw, type Domain, type World } from './world.ts';

const acknowledged = async (process: Running, d: Domain, timeout: number): Promise<boolean> => {
  for (let waited = 0; d.request !== null && waited < timeout; waited += 100) await process.sleep(100);
  return d.request === null;
};

type Kind = 'poweroff' | 'reboot';

/** A button of an HVM guest without PV drivers: nobody acknowledges it. */
const press = (world: World, d: Domain, kind: Kind): void => {
  if (kind === 'poweroff') return pressPower(world, d);
  // Reset is done by the hypervisor, whatever the guest thinks of it.
  return world.clock.after(draw(world, 'acknowledge'), () => end(world, d, 'reboot'));
};

/** `args`: what follows the command, without the domain. */
export const stop =
  (kind: Kind) =>
  async (
    world: World,
    process: Running,
    d: Domain | undefined,
    word: string,
    args: readonly string[],
  ): Promise<Result> => {
    const flags = new Set(args.flatMap((a) => (/^-[A-Za-z]+$/.test(a) ? a.slice(1).split('') : [])));
    const domid = d?.domid ?? Number(word);
    const verb = kind === 'poweroff' ? 'shutdown' : 'reboot';
    const first = `${kind === 'poweroff' ? 'Shutting down' : 'Rebooting'} domain ${domid}\n`;
    if (d === undefined)
      return failed(
        1,
        `${first}libxl: error: libxl_dom.c:37:libxl__domain_type: unable to get domain type for domid=${domid}\n${verb} failed (rc=-3)\n`,
      );
    let told = first;
    if (d.type === 'hvm' && !hasDrivers(world, d)) {
      const event = kind === 'poweroff' ? ['power event', 'power button'] : ['reset event', 'reset button'];
      if (!flags.has('F'))
        return failed(
          1,
          `${first}PV control interface not available: external graceful ${verb} not possible.\nUse "-F" to fallback to ACPI ${event[0]}.\n${verb} failed (rc=-10)\n`,
        );
      told += `PV control interface not available: sending ACPI ${event[1]} event.\n`;
      press(world, d, kind);
    } else {
      d.request = kind;
      wake(world, d);
      if (!(await acknowledged(process, d, draw(world, 'acknowledgeTimeout'))))
        return failed(
          1,
          `${first}libxl: error: libxl_domain.c:854:pvcontrol_cb: guest didn't acknowledge control request: -9\n${verb} failed (rc=-9)\n`,
        );
    }
    if (!flags.has('w')) return said('', told);
    // It has no timeout of its own; and the domain is still there for a moment when it returns.
    while (world.domains.get(d.domid) === d && d.ended === null) await process.sleep(100);
    return said(
      '',
      `${told}Waiting for 1 domains\nDomain ${domid} has been shut down, reason code ${kind === 'poweroff' ? 0 : 1}\n`,
    );
  };

export const destroy = async (world: World, process: Running, d: Domain | undefined, word: string): Promise<Result> => {
  if (word === 'Domain-0' || word === '0')
    return failed(
      1,
      'Not destroying domain 0; use -f to force.\nThis can only be done when using a disaggregated hardware domain and toolstack.\n\n',
    );
  if (d === undefined) return failed(1, `${gone(Number(word))}destroy failed (rc=-21)\n`);
  if (d.leaving) {
    // The monitor's clean-up is under way and wins.
    while (world.domains.get(d.domid) === d) await process.sleep(100);
    return failed(1, `${gone(d.domid)}destroy failed (rc=-21)\n`);
  }
  await new Promise<void>((resolve) => takeDown(world, d, resolve));
  return fine;
};
