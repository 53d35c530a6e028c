/** The contract suite on real dom0s: images, and disks made from them. */
import { imagesContract } from '../contract/images-law.ts';
import { openImages } from './contract-farm.ts';

imagesContract('real Xen', openImages);
