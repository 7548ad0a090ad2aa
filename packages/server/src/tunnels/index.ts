import type { FastifyInstance } from 'fastify';
import type { Loop, Reading } from '../base/index.ts';
import { type Domain, takeUpgrades } from '../http/index.ts';
import { type Context, limitsDefault } from './context.ts';
import { TunnelCounts } from './counts.ts';
import { tunnelLoops, tunnelLoopsOfEachProcess } from './loops.ts';
import { OpenTunnels } from './open-tunnels.ts';
import { openingOf } from './opening.ts';
import { Peers } from './peers.ts';
import { type TunnelVerbs, tunnelVerbs } from './service.ts';
import { type FindShell, noShell, readShellAsking, shellHere, takingShells } from './shells.ts';
import { type Answer, tunnelsPath } from './tunnel.ts';
import { type Asking, askHere, isAway, nothingThere, Viewing } from './viewing.ts';

/** What this process tells of its tunnels; the readings count from its start. */
interface TunnelMeasures {
  /** Tunnels that it holds. */
  tunnels(): number;
  /** Viewers that it answers. */
  viewers(): number;
  /** Tunnels that have ended, by the reason. */
  ended(): Reading[];
  /** Replies to viewers, by HTTP status. */
  replies(): Reading[];
  /** Bytes of logs that viewers were sent. */
  bytesSent(): number;
}

/** The door of tunnels. */
export interface Tunnels extends Domain {
  readonly loopsOfEachProcess: readonly Loop[];
  readonly measures: TunnelMeasures;
  /** Registers the URLs for workers that dial in and for viewers, outside of the API. */
  register(app: FastifyInstance): void;
  /** Closes all tunnels. Their workers connect to another process, or wait for one. */
  drain(): Promise<void>;
}

/** Opens tunnels. */
export const createTunnels = (context: Context): Tunnels => {
  const limits = { ...limitsDefault, ...context.limits };
  const verbs = tunnelVerbs(context);
  const counts = new TunnelCounts();
  const open = new OpenTunnels(limits, counts);
  // The asking process has read that the tunnel is here. If it is not, the worker was disconnected.
  const here = async (asking: Asking, gone: AbortSignal): Promise<Answer> => {
    const answer = askHere(open, limits, { asking, gone });
    if (!answer) throw isAway();
    return answer;
  };
  const anywhere = async (asking: Asking, gone: AbortSignal): Promise<Answer> => {
    const answer = askHere(open, limits, { asking, gone });
    if (answer) return answer;
    const place = await verbs.findTunnels.one(asking.tunnelId);
    if (!place) throw nothingThere();
    return peers.ask(place.address, asking, gone);
  };
  const viewersMax = limits.viewers;
  const shells = findersOf({ open, limits, verbs, peers: () => peers });
  // Those of other processes are counted there.
  const peers = new Peers(context, verbs, {
    viewing: new Viewing({ viewersMax, find: here }),
    takeShell: takingShells(context, { viewersMax, find: shells.here }),
  });
  const viewing = new Viewing({ viewersMax, find: anywhere, counts });
  const takeWorker = openingOf({ context, open, peers, verbs });
  const takeShell = takingShells(context, { viewersMax, find: shells.anywhere });
  return {
    verbs,
    routes: [],
    loops: tunnelLoops(context),
    loopsOfEachProcess: tunnelLoopsOfEachProcess(open, verbs),
    measures: {
      tunnels: () => open.all.length,
      viewers: () => viewing.viewers,
      ended: () => counts.endedReadings(),
      replies: () => counts.replyReadings(),
      bytesSent: () => counts.bytesSent(),
    },
    register: (app) => {
      takeUpgrades(app.server, tunnelsPath, (request, socket, head) => {
        const take = readShellAsking(request.url) ? takeShell : takeWorker;
        take(request, socket, head);
      });
      app.route({
        method: ['GET', 'HEAD'],
        url: `${tunnelsPath}*`,
        exposeHeadRoute: false,
        handler: (request, reply) => {
          reply.hijack();
          void viewing.answer(request.raw, reply.raw);
        },
      });
    },
    drain: async () => {
      await open.close();
      await peers.close();
    },
  };
};

interface Finding {
  readonly open: OpenTunnels;
  readonly limits: typeof limitsDefault;
  readonly verbs: TunnelVerbs;
  peers(): Peers;
}

/** The ways to shells: of workers with a tunnel in this process, or in any. */
const findersOf = ({ open, limits, verbs, peers }: Finding): { here: FindShell; anywhere: FindShell } => ({
  here: async (asking) => {
    const shell = shellHere(open, limits, asking);
    if (!shell) throw isAway();
    return shell;
  },
  anywhere: async (asking) => {
    const shell = shellHere(open, limits, asking);
    if (shell) return shell;
    const place = await verbs.findTunnels.one(asking.tunnelId);
    if (!place) throw noShell();
    return peers().speak(place.address, asking);
  },
});
