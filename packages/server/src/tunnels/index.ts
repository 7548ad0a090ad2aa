import type { FastifyInstance } from 'fastify';
import type { Loop, Reading } from '../base/index.ts';
import { type Domain, takeUpgrades } from '../http/index.ts';
import { type Context, limitsDefault } from './context.ts';
import { TunnelCounts } from './counts.ts';
import { tunnelLoops, tunnelLoopsOfEachProcess } from './loops.ts';
import { OpenTunnels } from './open-tunnels.ts';
import { openingOf } from './opening.ts';
import { Peers } from './peers.ts';
import { tunnelVerbs } from './service.ts';
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
  // Those of other processes are counted there.
  const peers = new Peers(context, verbs, new Viewing({ viewersMax, find: here }));
  const viewing = new Viewing({ viewersMax, find: anywhere, counts });
  const take = openingOf({ context, open, peers, verbs });
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
      takeUpgrades(app.server, tunnelsPath, take);
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
