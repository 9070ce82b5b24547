import org.codelibs.opensearch.runner.OpenSearchRunner;
import java.util.*;
public class OsNode {
  public static void main(String[] a) throws Exception {
    String base = a[0]; String port = a[1]; String tport = a[2];
    Map<String,String> extra = new LinkedHashMap<>();
    for (int i = 3; i < a.length; i++) { int e = a[i].indexOf('='); extra.put(a[i].substring(0, e), a[i].substring(e + 1)); }
    OpenSearchRunner r = new OpenSearchRunner();
    r.onBuild((n, s) -> {
      s.put("http.port", port).put("transport.port", tport).put("network.host", "127.0.0.1")
       .put("discovery.type", "single-node").put("cluster.routing.allocation.disk.threshold_enabled", false);
      extra.forEach(s::put);
    }).build(OpenSearchRunner.newConfigs().basePath(base).clusterName("test").numOfNode(1).useLogger().disableESLogger());
    System.out.println("READY"); System.out.flush();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> { try { r.close(); } catch (Exception e) {} }));
    Thread.currentThread().join();
  }
}
