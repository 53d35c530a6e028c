/** How large the images are that are uploaded from here: a plan counts them before they are. */
import type { Farm } from '../kinds/farm.ts';
import { isLocal, type ImageSpec } from '../kinds/image/spec.ts';
import type { ConfigIo } from './io.ts';

/** A file that is not there is told by the upload, if it comes to one. */
const sized = async (image: ImageSpec, io: ConfigIo): Promise<ImageSpec> => {
  if (!isLocal(image.source) || image.state === 'absent') return image;
  const found = await io.look(image.source);
  return found.is === 'file' ? { ...image, size: Math.ceil(found.size / 1024) } : image;
};

export const withSizes = async (farm: Farm, io: ConfigIo): Promise<Farm> => ({
  ...farm,
  pools: await Promise.all(
    farm.pools.map(async (p) => ({ ...p, images: await Promise.all(p.images.map((i) => sized(i, io))) })),
  ),
});
