import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.cluster.service.ClusterService;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.index.IndexVersion;
import org.elasticsearch.ingest.*;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.IngestPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.*;
import org.elasticsearch.xcontent.XContentBuilder;
import java.util.*;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** Stand-ins for two modules the registry does not carry: rest-root (GET /) and a little of ingest-common. */
public class MiniModules extends Plugin implements IngestPlugin, ActionPlugin {
  private volatile ClusterService cluster;

  @Override public Collection<?> createComponents(PluginServices services) {
    cluster = services.clusterService();
    return List.of();
  }

  @Override public Collection<RestHandler> getRestHandlers(RestHandlersServices s, Supplier<DiscoveryNodes> n, Predicate<NodeFeature> f) {
    return List.of(new BaseRestHandler() {
      @Override public String getName() { return "main_action"; }
      @Override public List<Route> routes() {
        return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
      }
      @Override protected RestChannelConsumer prepareRequest(RestRequest r, NodeClient c) {
        return channel -> {
          Build b = Build.current();
          XContentBuilder x = channel.newBuilder().startObject()
            .field("name", cluster.getNodeName())
            .field("cluster_name", cluster.getClusterName().value())
            .field("cluster_uuid", cluster.state().metadata().clusterUUID())
            .startObject("version").field("number", b.version()).field("build_flavor", "default")
            .field("build_type", b.type().displayName()).field("build_hash", b.hash()).field("build_date", b.date())
            .field("build_snapshot", b.isSnapshot())
            .field("lucene_version", IndexVersion.current().luceneVersion().toString())
            .field("minimum_wire_compatibility_version", b.minWireCompatVersion())
            .field("minimum_index_compatibility_version", b.minIndexCompatVersion())
            .endObject().field("tagline", "You Know, for Search").endObject();
          channel.sendResponse(new RestResponse(RestStatus.OK, x));
        };
      }
    });
  }

  static class FailProcessorException extends RuntimeException { FailProcessorException(String m) { super(m); } }
  interface Body { IngestDocument run(IngestDocument d) throws Exception; }
  static Processor proc(String type, String tag, String desc, Body b) {
    return new AbstractProcessor(tag, desc) {
      @Override public IngestDocument execute(IngestDocument d) throws Exception { return b.run(d); }
      @Override public String getType() { return type; }
    };
  }
  @Override public Map<String, Processor.Factory> getProcessors(Processor.Parameters p) {
    return Map.of(
      "set", (f, tag, desc, cfg, proj) -> {
        String field = ConfigurationUtils.readStringProperty("set", tag, cfg, "field");
        Object value = ConfigurationUtils.readObject("set", tag, cfg, "value");
        return proc("set", tag, desc, d -> { d.setFieldValue(field, value); return d; });
      },
      "remove", (f, tag, desc, cfg, proj) -> {
        String field = ConfigurationUtils.readStringProperty("remove", tag, cfg, "field");
        return proc("remove", tag, desc, d -> { d.removeField(field); return d; });
      },
      "fail", (f, tag, desc, cfg, proj) -> {
        String m = ConfigurationUtils.readStringProperty("fail", tag, cfg, "message");
        return proc("fail", tag, desc, d -> { throw new FailProcessorException(m); });
      },
      "drop", new DropProcessor.Factory(),
      "pipeline", new PipelineProcessor.Factory(p.ingestService));
  }
}
