/** `xl save DOM FILE` and `xl restore FILE`: a guest's memory in a file, and the guest that goes on from it. */
import type { DomainConfig } from './config.ts';
import { coldConfig, resume, suspend, takeDown } from './lives.ts';
import { failed, said, type Program } from './process.ts';
import { complete, discard, receive, start, take } from './receive.ts';
import { behaviourOf, draw, findDomain, type Domain } from './world.ts';

/** What the file holds here: enough to go on. */
interface Image {
  readonly config: DomainConfig;
  readonly name: string;
  readonly actualKiB: number;
  readonly state: Pick<Domain, 'booted' | 'wantVcpus' | 'onlineVcpus' | 'pluggedVcpus' | 'stubborn' | 'targetKiB'>;
}

const head = 'LibXenFmt ';

export const save: Program = async (world, process, args) => {
  const [word, path] = args.filter((a) => !a.startsWith('-'));
  if (word === undefined || path === undefined)
    return { rc: 2, out: '', err: "'xl save' requires at least 2 arguments.\n\n" };
  const domain = findDomain(world, word);
  if (!domain) return failed(1, `${word} is an invalid domain identifier (rc=-6)\n`);
  if (domain.type === 'pv' && !(world.server.virtCaps ?? '').split(/\s+/).includes('shadow'))
    return failed(
      1,
      'xc: error: Failed to enable logdirty: 95,22,0 (22 = Invalid argument): Internal error\nFailed to save domain, resuming domain\n',
    );
  const willing = domain.booted && !domain.paused && behaviourOf(world, domain).shutdown !== 'deaf';
  await process.sleep(draw(world, 'migrateCopy'));
  if (!willing)
    return failed(
      1,
      'libxl: error: libxl_dom_suspend.c: guest did not suspend, timed out\nFailed to save domain, resuming domain\n',
    );
  suspend(world, domain);
  const { booted, wantVcpus, onlineVcpus, pluggedVcpus, stubborn, targetKiB, actualKiB } = domain;
  const image: Image = {
    config: coldConfig(domain),
    name: domain.name ?? domain.config.name,
    actualKiB,
    state: { booted, wantVcpus, onlineVcpus, pluggedVcpus, stubborn, targetKiB },
  };
  const trouble = world.files.write(path, `${head}${JSON.stringify(image)}`);
  if (trouble !== null) {
    resume(world, domain);
    return failed(
      1,
      `xc: error: Failed to write page data to stream: ${trouble}\nFailed to save domain, resuming domain\n`,
    );
  }
  if (args.includes('-p')) {
    domain.paused = true;
    resume(world, domain);
  } else await new Promise<void>((resolve) => takeDown(world, domain, resolve));
  return said('', `Saving to ${path} new xl format (info 0x3/0x0/1134)\n`);
};

export const restore: Program = async (world, process, args) => {
  const odd = args.find((a) => /^-[^e]/.test(a) && a !== '-p' && a !== '-d');
  if (odd !== undefined) return { rc: 2, out: '', err: `option \`${odd.slice(1)}' not supported.\n` };
  const path = args.findLast((a) => !a.startsWith('-'));
  if (path === undefined) return { rc: 2, out: '', err: "'xl restore' requires at least 1 argument.\n\n" };
  const text = world.files.text(path);
  if (text === undefined) return failed(1, `Can't open restore file: No such file or directory\n`);
  if (!text.startsWith(head)) return failed(1, 'File has wrong magic number - corrupt or for a different tool?\n');
  const image = JSON.parse(text.slice(head.length)) as Image;
  const taken = [...world.domains.values()].some((d) => d.name === image.name);
  if (taken) return failed(1, `libxl: error: Domain with name "${image.name}" already exists.\n`);
  const incoming = receive(world, image.config, image.name);
  if (!('domain' in incoming)) return failed(1, incoming.words);
  await process.sleep(draw(world, 'migrateCopy'));
  Object.assign(incoming.domain, image.state, { moved: image.state.booted });
  const refusal = take(incoming, image.actualKiB) ?? complete(incoming, `restore ${path}`);
  if (refusal !== null) {
    await discard(incoming);
    return failed(1, refusal.words);
  }
  start(incoming, image.name, args.includes('-p'));
  return said(
    '',
    `Loading new save file ${path} (new xl fmt info 0x3/0x0/1134)\n Savefile contains xl domain config in JSON format\n`,
  );
};
